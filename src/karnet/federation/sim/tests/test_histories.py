"""Histories from seeds: what must hold does, and where the protocol is broken on purpose, it is noticed."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import pytest

from karnet.federation.core import accepting, answering
from karnet.federation.core.messages import Cosigned
from karnet.federation.sim import server as sim_server
from karnet.federation.sim.attacks import ATTACKS
from karnet.federation.sim.history import Failed, Told, play
from karnet.federation.sim.server import Server
from karnet.federation.sim.tables import Tables
from karnet.federation.sim.world import World
from karnet.journal.operations import Recorded
from karnet.journal.rules import arrivals
from karnet.journal.tlog.checkpoint import Checkpoint

BATCH = 50
BATCHES = int(os.environ.get("KARNET_HISTORIES", "2000")) // BATCH
"""More of them by night: KARNET_HISTORIES=20000."""


@pytest.mark.parametrize("batch", range(BATCHES))
def test_whatever_happens_the_servers_come_to_agree(batch: int) -> None:
    for seed in range(batch * BATCH, (batch + 1) * BATCH):
        play(seed)


@pytest.mark.parametrize("attack", ATTACKS)
def test_every_attack_is_named_and_harms_nobody_else(attack: str) -> None:
    told = [play(seed, attack) for seed in range(60, 80)]
    assert sum(one.attacked for one in told) >= 5, "it finds an occasion often enough"


def test_one_seed_is_one_history() -> None:
    assert [play(seed) for seed in range(6)] == [play(seed) for seed in range(6)]


def test_histories_have_everything_in_them() -> None:
    """Else they would hold for the wrong reason."""
    told = [play(seed) for seed in range(200, 260)]
    found = Counter[str]()
    for one in told:
        plan = one.plan
        found.update(
            name
            for name, there in {
                "crashed": one.killed, "overdrawn": one.overdrawn, "claimed twice": one.claimed_twice,
                "attacked": one.attacked, "cut off": plan.cuts, "killed": plan.kills, "clock": plan.wrong_clocks,
                "backup of a member": plan.restored == "member", "backup of the hub": plan.restored == "hub",
                "loss": plan.weather.loss, "doubling": plan.weather.doubling, "from nothing": plan.from_nothing,
                "late": plan.late_member, "keys": one.keys_changed,
            }.items()
            if there
        )  # fmt: skip
    assert len(found) == 14, found
    assert min(found.values()) >= 2, found


# What is broken on purpose must be found: a check that finds nothing checks nothing.


def _first_failure(seeds: range, attack: str | None = None) -> Failed | None:
    for seed in seeds:
        try:
            play(seed, attack)
        except Failed as failure:
            return failure
    return None


Break = Callable[[pytest.MonkeyPatch], None]


def _stamps_by_local_numbers(patch: pytest.MonkeyPatch) -> None:
    """Of two settings at one instant the local number of the log decides, which differs from server to server."""
    patch.setattr(Tables, "_rank", lambda self, stamp: stamp)


def _nobody_waits(patch: pytest.MonkeyPatch) -> None:
    """Entries are applied before what they rest on."""
    patch.setattr(sim_server, "waits_for", lambda entry, applied: {})


def _nobody_judges(patch: pytest.MonkeyPatch) -> None:
    """Whoever signs an entry is believed that its people did it."""
    patch.setattr(sim_server, "judge", lambda claims, log, actor_of: None)


def _ids_are_anybodys(patch: pytest.MonkeyPatch) -> None:
    """Nobody looks whose an id is."""
    patch.setattr(arrivals, "owns", lambda owner, made: True)


def _arrivals_are_refused(patch: pytest.MonkeyPatch) -> None:
    """What arrives is treated as if it could still be refused."""
    project = Tables.project
    patch.setattr(Tables, "project", lambda self, batch, *, arriving: project(self, batch, arriving=False))


def _any_proof_will_do(patch: pytest.MonkeyPatch) -> None:
    """A receiver does not look whether the tree goes on from what it holds."""
    patch.setattr(accepting, "verify_consistency", lambda **_: True)


def _receipts_before_storing(patch: pytest.MonkeyPatch) -> None:
    """The hub gives a receipt for more than it holds."""
    genuine = answering.cosign

    def ahead(checkpoint: Checkpoint, key: Any, now: datetime) -> Cosigned:
        return genuine(Checkpoint(checkpoint.origin, checkpoint.size + 1, checkpoint.root), key, now)

    patch.setattr(answering, "cosign", ahead)
    patch.setattr(answering, "keep_cosignatures", lambda store, cosigned: None)


def _backups_are_signed_on(patch: pytest.MonkeyPatch) -> None:
    """Whoever puts a backup back goes on at once, as if nothing had been signed since."""

    def go_on(self: World, machine: Any) -> None:
        machine.recovering = False
        machine.server.witness = {}
        machine.evil, evil = True, machine.evil
        self.awaken(machine)
        machine.evil = evil

    patch.setattr(World, "recover", go_on)
    patch.setattr("karnet.federation.sim.machine.Machine.may_sign", property(lambda self: self.up))


def _keys_before_their_announcement(patch: pytest.MonkeyPatch) -> None:
    """Whoever is far behind gets notes by a key of which it cannot have heard."""
    push = answering.next_push
    patch.setattr(answering, "next_push", lambda store, log, first, limit, keys: push(store, log, first, limit))


def _said_nothing(patch: pytest.MonkeyPatch) -> None:
    """Servers do not say what they had received before they decided."""
    record = Server.record

    def silent(self: Server, key: str, at: datetime, actor: Any, *operations: Any, salt: bytes = b"") -> bool:
        for name in self.disk.origins.values():
            self.disk.said[name] = 10**9
        return record(self, key, at, actor, *operations, salt=salt)

    patch.setattr(Server, "record", silent)


def _applied_twice(patch: pytest.MonkeyPatch) -> None:
    """A crash after applying makes the entry be applied again: progress is kept apart from what was done."""
    project = Tables.project

    def twice(self: Tables, batch: list[Recorded], *, arriving: bool) -> None:
        project(self, batch, arriving=arriving)
        if arriving and batch[0].entry.body.KIND == "access.passed" and batch[0].number % 7 == 0:
            for row in self.labelled("accounts.Account").rows.values():
                if row["purpose"] == "points":
                    row["balance"] -= 1
                    break

    patch.setattr(Tables, "project", twice)


BROKEN: Mapping[str, tuple[Break, str | None]] = {
    "stamps by local numbers": (_stamps_by_local_numbers, None),
    "nobody waits": (_nobody_waits, None),
    "nobody judges": (_nobody_judges, "nameless_seller"),
    "ids are anybody's": (_ids_are_anybodys, "stolen_id"),
    "arrivals are refused": (_arrivals_are_refused, None),
    "any proof will do": (_any_proof_will_do, "fork"),
    "receipts before storing": (_receipts_before_storing, None),
    "backups are signed on": (_backups_are_signed_on, None),
    "keys before their announcement": (_keys_before_their_announcement, None),
    "said nothing": (_said_nothing, None),
    "money from nothing": (_applied_twice, None),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_on_purpose_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    spoil, attack = BROKEN[name]
    spoil(monkeypatch)
    assert _first_failure(range(120), attack) is not None


def test_a_failure_tells_the_seed_that_plays_it_again(monkeypatch: pytest.MonkeyPatch) -> None:
    _nobody_judges(monkeypatch)
    failure = _first_failure(range(120), "echo") or _first_failure(range(120), "nameless_seller")
    assert failure is not None
    assert str(failure).startswith(f"seed {failure.seed}: ")
    told: list[Told] = []
    with pytest.raises(Failed, match=f"seed {failure.seed}: "):
        told.append(play(failure.seed, failure.plan.attack))
