"""What every `karnet` command says with its exit code."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of `karnet`. Scripts depend on them: add, never renumber."""

    OK = 0
    REFUSED = 1
    USAGE = 2
    INSTALLATION = 3
    TAMPERED = 4
    INTERRUPTED = 5
    FAULT = 6


MEANING = {
    Exit.OK: "done",
    Exit.REFUSED: "refused, or a check or an expectation failed",
    Exit.USAGE: "the command line was not understood",
    Exit.INSTALLATION: "something about this machine or installation has to be put right first",
    Exit.TAMPERED: "the record was tampered with",
    Exit.INTERRUPTED: "interrupted (Ctrl-C or a termination signal)",
    Exit.FAULT: "a fault in Karnet itself (set KARNET_DEBUG=1 to see the traceback)",
}


def table() -> str:
    """The codes and their meanings, one a line, for help texts."""
    return "\n".join(f"  {code.value}  {meaning}" for code, meaning in MEANING.items())
