"""Capacity: one engine for seats, places, coach sections, lockers: who has what, and never twice (docs/capacity.md).

Invariants: of two claims on one unit no section is the same (exclusion constraint); nothing takes more than an allotment has
room for on any section (CHECK); only live claims are rows, so that selling costs the same however much was sold; a hold ends
by itself. Every resource has one home server: its operations stay at home.
Lock order: units in the order of their ids, then rooms by (allotment, section). Slices above lock theirs first.
"""
