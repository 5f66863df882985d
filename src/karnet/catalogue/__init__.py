"""Catalogue: products and price lists, drafted freely, published once, never changed afterwards.

Invariants: a published version is immutable and stays with what was sold by it; prices are gross, with the VAT rate
noted, in the facility's currency. Lock order: draft.
"""
