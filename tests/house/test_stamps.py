"""Columns that the later of two changes sets: no change may claim to precede the one it was decided after."""

from __future__ import annotations

import re
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "src" / "karnet"

CHECKED = {
    # A card issued again, handed in, replaced; its holder named; a ticket moved. All go by entitlements.rules.outrun,
    # which the tests of orders hold (test_returns: "a change that claims to precede …", "… not left behind by a slow
    # clock"; test_holders: "a naming that claims to precede …").
    "entitlements/projection.py": ["REISSUED", "STATE", "HOLDER", "PLACED"],
    # A member's suspension and its end: federation.rules._outrun, held by federation/tests/test_rules.py ("a standing
    # is not decided before the one it follows").
    "federation/projection.py": ["STANDING"],
    # What is on a pass is good until, its contract runs until: passes.rules.selling refuses by outrun of `changed_at`, held
    # by passes/tests/test_passes.py ("a top-up that claims to precede …").
    "passes/projection.py": ["GOOD", "RUNS"],
    # A stay on another band, somewhere else, its clocks stopped, paid: stays.rules refuse by outrun of `changed_at`, held by
    # stays/tests/test_mending.py ("a change that claims to precede …").
    "stays/projection.py": ["BAND", "LOCATED", "STOPPED", "SETTLED"],
}
"""Forms that set if later, whose rules refuse an instant before that of the state they decide on."""


def test_whatever_is_set_by_the_later_change_refuses_a_change_dated_before_the_last() -> None:
    found = {}
    for path in sorted(SOURCE.rglob("*.py")):
        names = re.findall(r"^(\w+) = SetLater\(", path.read_text(), re.MULTILINE)
        if names:
            found[str(path.relative_to(SOURCE))] = names
    assert found == CHECKED, (
        "a new one: refuse by entitlements.rules.outrun, test it with a slow clock, then add it here"
    )
