"""Orders: counter sales, open tabs, payments, returns, invoices, shifts and their cash.

Invariants: the payments of an order equal its total and its card deposits; every order names operator, sales point and
facility; totals and VAT are the sums of the lines; a line is returned at most once; what was paid on a tab less what
was charged to it is the balance of its account, and 0 once it is closed. Orders knows no slice above it: what a line
does is carried as values (entitlements, deposits, account transfers).
Lock order: shift, sequence of a sales point or of a facility's invoices, tab, order, then media and entitlements.
"""
