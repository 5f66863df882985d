"""Settlement: agreements, division of money between facilities, closings, netting (docs/settlement.md has the rules).

Invariants: prices, weights and points come from the agreement in force, never from local settings; every division
adds up to the grosz; periods add up to the season because amounts are differences of cumulative amounts; the same cut
gives the same figures. An agreement is in force when every member has signed it, which follows from the record alone.
Who decides agreements waits for each other (one advisory lock); constraints refuse a second closing after one.
"""
