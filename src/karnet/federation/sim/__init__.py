"""A simulator of the common card: the real protocol, the real projections, everything around them made up from a seed.

One number gives one history: servers, network, clocks, crashes, backups put back, and members that cheat. At the end
of each, what must hold is checked (`invariants`), so a seed that fails is a test case for ever.
"""
