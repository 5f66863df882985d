"""Lockers: sections of a changing room, which band has which locker, and why that one (docs/lockers.md).

Invariants: a locker is one band's at a time (the exclusion constraint of capacity); a band has at most one; a locker is free
again when its band is back; nobody is given a blocked one.
Lock order: media, then sections in the order of their ids; a section's lock covers its lockers.
"""
