"""The one mechanism on a real database, driven by a toy request that enrols devices."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
import psycopg
import pytest
from django.db import ProgrammingError, connection

from karnet.journal.founding import found_server
from karnet.journal.models import Actor, Operation, Request
from karnet.journal.operations import (
    ActorEnrolled,
    ActorRetired,
    Part,
    decode_entry,
    encode_entry,
    operation,
)
from karnet.journal.operations import Operation as OperationBody
from karnet.journal.transaction import Outcome, Transaction, transact
from karnet.kernel.ids import named_id
from karnet.kernel.outcomes import Refused, refused
from karnet.kernel.reasons import Reason

pytestmark = pytest.mark.database

AT = datetime(2026, 1, 17, 8, 0, tzinfo=UTC)


class Enrol(msgspec.Struct, frozen=True, kw_only=True):
    key: str
    at: datetime
    actor: UUID
    name: str


class Done(msgspec.Struct, frozen=True, tag="done"):
    id: UUID


@operation("test.enrolled")
class Enrolled(OperationBody, frozen=True, kw_only=True):
    device: ActorEnrolled

    def parts(self) -> tuple[Part, ...]:
        return (self.device,)


@operation("test.retired", scope="house")
class Gone(OperationBody, frozen=True, kw_only=True):
    device: ActorRetired

    def parts(self) -> tuple[Part, ...]:
        return (self.device,)


def enrol(requests: list[Enrol]) -> list[Done | Refused]:
    return transact(requests, _enrol, answers=Done)


def _enrol(tx: Transaction[Enrol, Done]) -> None:
    for request in tx.fresh:
        if request.name == "":
            tx.record([Outcome(request, refused(Reason.BAD_VALUE, field="name"))])
            continue
        device = named_id("device", request.name)
        tx.record([Outcome(request, Done(device), (Enrolled(device=ActorEnrolled(id=device, kind="device")),))])


@pytest.fixture
def server() -> UUID:
    return found_server("karnet.test/log", AT)


def request(server: UUID, key: str, name: str, at: datetime = AT) -> Enrol:
    return Enrol(key=key, at=at, actor=server, name=name)


def test_a_batch_is_recorded_projected_and_answered(server: UUID) -> None:
    answers = enrol([request(server, f"k{i}", f"gate {i}") for i in range(5)])
    assert answers == [Done(named_id("device", f"gate {i}")) for i in range(5)]
    assert Actor.objects.filter(kind="device").count() == 5
    numbers = list(Operation.objects.order_by("number").values_list("number", flat=True))
    assert numbers == sorted(numbers)
    assert len(numbers) == 6


def test_the_same_request_again_gets_the_same_answer_and_records_nothing(server: UUID) -> None:
    first = enrol([request(server, "k", "gate"), request(server, "k", "gate")])
    again = enrol([request(server, "k", "gate")])
    assert first == [again[0], again[0]]
    assert Operation.objects.count() == 2


def test_the_same_key_with_other_contents_is_refused(server: UUID) -> None:
    enrol([request(server, "k", "gate")])
    assert enrol([request(server, "k", "other"), request(server, "l", "fine")]) == [
        refused(Reason.KEY_REUSED, key="k"),
        Done(named_id("device", "fine")),
    ]
    assert enrol([request(server, "m", "one"), request(server, "m", "two")])[1] == refused(Reason.KEY_REUSED, key="m")


def test_refusals_are_remembered_but_not_recorded(server: UUID) -> None:
    assert enrol([request(server, "k", "")]) == [refused(Reason.BAD_VALUE, field="name")]
    assert enrol([request(server, "k", "")]) == [refused(Reason.BAD_VALUE, field="name")]
    assert Operation.objects.count() == 1
    assert Request.objects.filter(key="k").count() == 1


def test_one_bad_request_harms_only_itself(server: UUID) -> None:
    enrol([request(server, "a", "gate")])
    answers = enrol([request(server, "b", "new"), request(server, "c", "gate"), request(server, "d", "newer")])
    assert answers[0] == Done(named_id("device", "new"))
    assert isinstance(answers[1], Refused)
    assert answers[1].reason == Reason.CONFLICT
    assert answers[2] == Done(named_id("device", "newer"))
    assert Operation.objects.count() == 4


def test_nobody_acts_without_being_enrolled(server: UUID) -> None:
    stranger = named_id("device", "stranger")
    assert enrol([request(stranger, "k", "gate")]) == [refused(Reason.UNKNOWN_ACTOR, actor=str(stranger))]


def test_the_retired_act_no_more(server: UUID) -> None:
    device = named_id("device", "gate")
    enrol([request(server, "a", "gate")])
    gone = Gone(device=ActorRetired(id=device))

    def retire(tx: Transaction[Enrol, Done]) -> None:
        tx.record([Outcome(r, Done(device), (gone,)) for r in tx.fresh])

    transact([request(server, "b", "retire", AT + timedelta(hours=1))], retire, answers=Done)
    before, after = AT + timedelta(minutes=59), AT + timedelta(hours=1)
    assert enrol([request(device, "c", "x", before)]) == [Done(named_id("device", "x"))]
    assert enrol([request(device, "d", "y", after)]) == [refused(Reason.ACTOR_RETIRED, actor=str(device))]


def test_house_contents_are_not_in_the_entry(server: UUID) -> None:
    test_the_retired_act_no_more(server)
    data = bytes(Operation.objects.get(kind="test.retired").data)
    assert b"device" not in data
    assert b'"sha256":"' in data


def test_a_large_body_goes_by_hash_and_comes_back(server: UUID) -> None:
    from karnet.journal.selectors import entries_after

    @operation("test.large")
    class Large(OperationBody, frozen=True, kw_only=True):
        text: str

    def large(tx: Transaction[Enrol, Done]) -> None:
        tx.record([Outcome(r, Done(server), (Large(text="x" * 100_000),)) for r in tx.fresh])

    transact([request(server, "k", "large")], large, answers=Done)
    assert len(Operation.objects.get(kind="test.large").data) < 1000
    assert next(r.entry.body for r in entries_after(1)) == Large(text="x" * 100_000)


def test_a_body_that_could_not_travel_is_refused_and_harms_no_other(server: UUID) -> None:
    @operation("test.huge")
    class Huge(OperationBody, frozen=True, kw_only=True):
        text: str

    def huge(tx: Transaction[Enrol, Done]) -> None:
        tx.record([Outcome(r, Done(server), (Huge(text="x" * int(r.name)),)) for r in tx.fresh])

    most = 4 * 1024 * 1024
    answers = transact([request(server, "k", str(most)), request(server, "l", str(most - 100))], huge, answers=Done)
    assert isinstance(answers[0], Refused)
    assert (answers[0].reason, answers[0].facts["field"]) == (Reason.BAD_VALUE, "request")
    assert answers[1] == Done(server)
    assert Operation.objects.count() == 2


@pytest.mark.parametrize(
    ("key", "name", "at", "field"),
    [
        ("", "gate", AT, "key"),
        ("k" * 201, "gate", AT, "key"),
        ("k", "gate", datetime(2026, 1, 17), "at"),
        ("k", "a\0b", AT, "request"),
        ("k", "\ud800", AT, "request"),
    ],
)
def test_a_request_the_journal_could_not_keep_is_refused_in_words(
    server: UUID, key: str, name: str, at: datetime, field: str
) -> None:
    answers = enrol([request(server, key, name, at), request(server, "sound", "sound")])
    assert isinstance(answers[0], Refused)
    assert answers[0].reason == Reason.BAD_VALUE
    assert answers[0].facts["field"] == field
    assert answers[1] == Done(named_id("device", "sound"))
    assert Operation.objects.count() == 2


def test_racing_requests_with_one_key_are_decided_once(server: UUID) -> None:
    answers: list[object] = []

    def run() -> None:
        answers.extend(enrol([request(server, "k", "gate")]))
        connection.close()

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [Done(named_id("device", "gate"))] * 8
    assert Operation.objects.count() == 2


def test_no_other_way_leads_into_a_projected_table(server: UUID) -> None:
    with pytest.raises(ProgrammingError, match="written by projections only"):
        Actor.objects.create(id=named_id("x"), kind="device", enrolled_at=AT)
    with pytest.raises(ProgrammingError, match="written by projections only"):
        Actor.objects.update(kind="device")


def test_the_record_is_insert_only_even_for_its_owner(server: UUID, superuser: psycopg.Connection) -> None:
    with pytest.raises(ProgrammingError, match="permission denied"):
        Operation.objects.update(kind="x")
    for attack in (
        "UPDATE journal_operation SET kind = 'x'",
        "DELETE FROM journal_operation",
        "TRUNCATE journal_operation CASCADE",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="rows are only ever added"):
            superuser.execute(attack)


def test_an_operation_without_an_actor_is_refused_by_the_database(server: UUID, superuser: psycopg.Connection) -> None:
    insert = (
        "INSERT INTO journal_operation (number, id, origin_id, kind, at, actor_id, data)"
        " VALUES (99, gen_random_uuid(), 1, 'x', now(), {}, '{{}}')"
    )
    with pytest.raises(psycopg.errors.NotNullViolation):
        superuser.execute(insert.format("NULL"))
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        superuser.execute(insert.format("gen_random_uuid()"))


def test_entries_are_canonical_and_come_back_as_they_were(server: UUID) -> None:
    data = bytes(Operation.objects.get(kind="journal.founded").data)
    entry = decode_entry(data)
    assert entry.at == AT
    assert encode_entry(entry) == data
