"""Who may go through a gate, and what it takes. Pure: values in, outcomes out (no clock, database or chance).

Read `scans` first (one scan, decided), then `candidates` (what a right answers when asked), then `turns` (what becomes
of a grant). `state` is what decisions are made on, and how each changes what the next one sees.
"""

from karnet.access.rules.candidates import Attempt, Candidate, Preference, Usable
from karnet.access.rules.scans import HELPFUL, decide, decide_all, resolve
from karnet.access.rules.state import Card, GateState, Grant, State, Terms, after
from karnet.access.rules.turns import decide_lapse, decide_turns

__all__ = [
    "HELPFUL",
    "Attempt",
    "Candidate",
    "Card",
    "GateState",
    "Grant",
    "Preference",
    "State",
    "Terms",
    "Usable",
    "after",
    "decide",
    "decide_all",
    "decide_lapse",
    "decide_turns",
    "resolve",
]
