"""Access: gates, terms, scans, grants and passages. The slice to read first.

Reading order: `requests` (what gates ask), `services` (admit, turn, lapse), `rules` (who may go through, and what it
takes), `operations` and `projection` (what is recorded, and where), `selectors` (what decisions are made on),
`gateway` (group commit). The rules in words: docs/gates.md.

Invariants: a passage is one taken turn of a gate, charged when taken; a grant is taken at most once; the last points
of a card admit exactly as many people as they pay for; points and weight of a passage are those of the agreement in
force at its instant; a refusal changes nothing.
Lock order: medium, by id. Its row guards everything on it: entitlements, their days and points, grants.
"""
