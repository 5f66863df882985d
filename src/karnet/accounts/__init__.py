"""Accounts: the double-entry ledger of money, points and credits.

Invariants: a transfer is one row with two sides in one unit (composite foreign keys), so nothing can be unbalanced;
balances are sums kept by the projection, and `selectors.discrepancies` recomputes every one; a bounded account never
falls below minus its overdraft, reservations counted (a check of its row); a reservation ends once, whole. A hot
account (a facility's house accounts) is unbounded and never locked or updated by a request: what is added to it waits
in `accounts_unfolded` until its operation is sealed, and is read with its balance in one snapshot.
Lock order: accounts that are not hot, by id (`selectors.lock`); where a medium or a shift is locked, its accounts are.
"""
