"""The standing of a database in words: for `karnet standby status`, `karnet doctor` and the log of `karnet serve`."""

from __future__ import annotations

from karnet.wiring.postgres.standing import Follower, Standing


def told(found: Standing) -> tuple[list[str], bool]:
    """Say a standing in lines, and whether all is well."""
    good, bad = "✓", "✗"
    if found.part == "fenced":
        where = "another one is the primary" if found.primary_answers else "and no primary answers"
        return [f"{bad} fenced: {where}", "→ `karnet standby rejoin` makes it a standby of the new primary."], False
    if found.part == "standby":
        if found.follows:
            behind = f"{found.behind_s:.1f} s behind" if found.behind_s else "nothing behind"
            return [f"{good} standby, follows the primary, {behind} (has {found.received})"], True
        return [
            f"{bad} standby, follows nobody (has {found.received})",
            "→ The primary answers, so this will follow it again by itself."
            if found.primary_answers
            else "→ The primary does not answer. If it is lost: `karnet standby promote`, here.",
        ], False
    quorum = "on: commits wait for one standby" if found.quorum else "off: a standby may lack the last commits"
    lines = [f"primary, {len(found.standbys)} standbys, quorum {quorum}"]
    well = not found.held_up
    for one in found.standbys:
        mark = good if one.sync else bad
        well = well and bool(one.sync)
        lines.append(f"{mark} {one.name} in {one.directory}: {_follower(one)}")
    if found.held_up:
        lines += [
            f"{bad} no standby answers, and {found.waiting} commits wait ({found.waiting_s:.0f} s): nothing is sold",
            "→ Start the standby (`karnet serve standby --data DIR`), or go on without it: `karnet standby quorum off`.",
        ]
    return lines, well


def _follower(one: Follower) -> str:
    if one.slot_lost:
        return "the log that it needs is gone; forget it (`karnet standby forget`) and make another"
    if not one.sync:
        return f"does not follow, {one.behind_bytes or 0:,} bytes behind"
    return f"follows ({one.sync}), {one.behind_bytes or 0:,} bytes, {one.behind_s or 0:.1f} s behind"
