"""Catalogue: products and price lists, drafted freely, published once, never changed afterwards.

Invariants: a published version is immutable and stays with what was sold by it; of one code at one facility at most one
version is on sale at an instant, and which one never changes once that instant has passed; prices are gross, with the
VAT rate noted, in the facility's currency. Lock order: draft.
"""
