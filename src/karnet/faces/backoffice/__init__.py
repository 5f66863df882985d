"""The back office: today's figures, search, the record, settlement, price lists, places and staff, every table.

Adds no rule: pages read slices' selectors and ask slices' services. Plain pages of the house's components, because no
admin package renders under our content security policy (docs/decisions/0006-back-office-pages.md).
"""
