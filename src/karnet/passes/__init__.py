"""Passes: prepaid accounts that a card identifies, with subaccounts, bonus, contract and price list; benefit cards (docs/passes.md).

Invariants: what is on a pass is what its top-ups, charges and expiries come to, in accounts of its own (CHECK: never below
what is held); a hold ends once; bonus money and credits never leave a pass as cash; an entry on a benefit card counts once a day.
What happens to a pass stays at home; only that a card was given out travels.
Lock order: as orders (shift, sequence, tab), then passes by id, then media. A pass's row guards its accounts, holds and terms.
"""
