"""Settlement: agreements, division of money between facilities, closings, netting (docs/settlement.md has the rules).

Invariants: prices, weights and points come from the agreement in force, never from local settings; every division
adds up to the grosz; periods add up to the season because amounts are differences of cumulative amounts; the same cut
gives the same figures. Locks nothing: constraints refuse a second agreement at once and a second closing after one.
"""
