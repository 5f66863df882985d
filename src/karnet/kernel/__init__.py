"""Values every slice shares: money, time, ids, canonical JSON, refusals.

Purpose: the small exact vocabulary of Karnet. Nothing here knows Django, a clock, a socket, a database or chance.
Invariants: money is an integer number of minor units; instants are zone-aware; a refusal is a value with a reason.
"""
