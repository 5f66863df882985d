"""From the server's log to words: what happened to PostgreSQL, and what to do."""

from __future__ import annotations

from pathlib import Path

from karnet.wiring.problem import InstallationProblem

_TAIL_LINES = 15

# The first text that occurs in the log decides. Causes come before the consequences they also print.
_SIGNS = (
    ("No space left on device", "disk-full", "Free some space there (`df -h` shows it), then run the command again."),
    (
        "error while loading shared libraries",
        "postgres-does-not-start",
        "Install the package that has the missing library (Debian: zlib1g, libc6), then run the command again.",
    ),
    (
        "incompatible with server",
        "foreign-version",
        "The data was written by another version: dump it with that version and restore it here.",
    ),
    (
        "pre-existing shared memory block",
        "cluster-busy",
        "Old server processes still use this database. Wait a little or end them, then run the command again.",
    ),
    (
        "Address already in use",
        "address-taken",
        "Another server listens there. Stop it, then run the command again.",
    ),
    (
        "could not create any",
        "address-taken",
        "The server could not listen at its address. Delete the directory run/socket if no server is running.",
    ),
    ("Is another postmaster", "address-taken", "Another server runs there. Stop it, then run the command again."),
    (
        "could not map anonymous shared memory",
        "no-memory",
        "Give this machine or container more memory, or lower shared_buffers in local.conf beside the data.",
    ),
    ("Cannot allocate memory", "no-memory", "Give this machine or container more memory, then run the command again."),
    (
        "contains errors",
        "bad-postgres-config",
        "Correct the setting that the log names (your own settings are in local.conf beside the data).",
    ),
    (
        "could not locate a valid checkpoint record",
        "damaged-database",
        "The database is damaged: restore it from a backup and let `karnet journal recover` compare it with the "
        "checkpoints.",
    ),
    (
        "invalid checkpoint record",
        "damaged-database",
        "The database is damaged: restore it from a backup and let `karnet journal recover` compare it with the "
        "checkpoints.",
    ),
    ("Permission denied", "permission", "Give the files back to the account PostgreSQL runs as, then try again."),
)


def explain(output: str, doing: str, data: Path, *, log: Path | None = None) -> InstallationProblem:
    """The problem that PostgreSQL's `output` tells of, met while `doing` something with the cluster in `data`."""
    tail = "\n".join(output.strip().splitlines()[-_TAIL_LINES:]) or "(it said nothing)"
    what = f"Could not {doing} the database in {data}. PostgreSQL said:\n{tail}"
    for sign, code, do in _SIGNS:
        if sign in output:
            return InstallationProblem(code, what, do)
    where = f" The whole log is {log}." if log else ""
    return InstallationProblem("postgres-failed", what, f"`karnet doctor` looks closer.{where}")


def log_since(log: Path, offset: int, *, limit: int = 65_536) -> str:
    """What was written to `log` after `offset` bytes: the last `limit` bytes of it. Empty if it cannot be read."""
    try:
        with log.open("rb") as file:
            end = file.seek(0, 2)
            file.seek(max(offset, end - limit, 0) if offset <= end else 0)
            return file.read(limit).decode(errors="replace")
    except OSError:
        return ""
