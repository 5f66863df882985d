"""Where Karnet meets its machine: installation, PostgreSQL, processes, settings, command line.

Everything that is decided by the operating system is decided here and handed down as values: paths, accounts,
signals, environment, and the wall clock (`clock.now`, its only reader). Slices never import this package.

Lock order of an installation: `run/start.lock` (who may start or stop PostgreSQL), then `run/users.lock` (who is
using it, shared), then `run/cluster.lock` (held by the PostgreSQL processes themselves for as long as they live).
"""
