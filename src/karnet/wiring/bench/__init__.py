"""Benchmarks: figures of the real services on a real, durable database, each beside a yardstick of the same run.

A figure is a rate or a time with its ratio to the yardstick: pgbench's simple-update transactions (`-N -c 32`) on the
same PostgreSQL, fsync on, minutes apart. The ratio is what can be compared between machines; the absolute is for people.
"""
