"""Access: gates, terms, scans, grants and passages. The slice to read first.

Invariants: a passage is one taken turn of a gate, charged when taken; the last points of a card admit exactly as many
people as they pay for; points and weight of a passage are those of the agreement in force at its instant.
Lock order: gate terms (shared), medium, entitlement, account; each by id.
"""
