"""Orders: counter sales, payments, returns, invoices, shifts and their cash.

Invariants: the payments of an order equal its total; every order names operator, sales point and facility; totals and
VAT are the sums of the lines; a line is returned at most once. Orders knows no slice above it: what a line does is
carried as values (entitlements, deposits, account transfers). Lock order: shift, order, then media and entitlements.
"""
