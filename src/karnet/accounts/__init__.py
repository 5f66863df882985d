"""Accounts: the double-entry ledger of money, points and credits.

Invariants: a transfer is one row with two sides in one unit, so nothing can be unbalanced; balances are sums kept by
the projection; a guarded account never falls below minus its overdraft (reservations counted); a hot account's
balance is folded when its transfers are sealed. Lock order: account by id.
"""
