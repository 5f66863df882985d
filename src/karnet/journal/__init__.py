"""Journal: what happened, who did it, and the proof that nobody changed it since.

Purpose: records operations, projects them, answers requests exactly once, seals the record into a signed Merkle log.
Invariants: a request key is answered once; every operation names an enrolled actor; the record is insert-only; sealed
entries have gap-free indices in an order every dependency survives; only `transact` opens projected tables.
Lock order: rows of the slices first, in slice order; numbers are drawn after them; request keys are inserted last.
"""
