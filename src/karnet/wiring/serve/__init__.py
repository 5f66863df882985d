"""The processes of an installation: web, worker, sealer, and the supervisor that keeps them and PostgreSQL running.

Purpose: `karnet serve` starts them and starts again what dies; each also runs alone under systemd or in a container.
Invariants: one process a role and data directory (`run/<role>.lock`); a process that refuses to work says why in its
report (`run/<role>.json`) and takes no other with it; whoever is killed, nobody outlives the supervisor for long.
Lock order: the role's lock first, then those of the database (karnet.wiring).
"""
