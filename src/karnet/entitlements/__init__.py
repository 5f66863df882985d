"""Entitlements: media (cards, bands, codes) and the rights of access on them.

Invariants: an entitlement names operator, sales point and facility that sold it (NOT NULL, foreign keys; SPEC N7);
a block wins until an unblock names it; a replaced medium passes everything on it to the new one; a deposit is
returned at most once. Lock order: medium by id, then entitlement by id.
"""
