"""Stays: people inside a metered place: zones, readers, clocks, bills at any moment, settling and leaving (docs/stays.md).

Invariants: a band carries at most one stay that goes on; what a stay costs is `tariffs.rate` over its facts and nothing
else; what was charged for it so far is on its tab, and each part is charged once, up to what the bill says; nobody passes an
exit gate while the tab owes more than it may; heads of a zone never exceed its capacity.
Lock order: as orders (shift, sequence, tab), then media, then zones in the order of their ids. A tab's row guards its stays.
"""
