"""Refusals at gates are found again by their card: when, where and why."""

from __future__ import annotations

import psycopg
import pytest
from django.db import connection

from karnet.access.services import admit
from karnet.access.tests.conftest import World, tables
from karnet.access.tests.small import at
from karnet.journal.browsing import refusals_about
from karnet.kernel.reasons import Reason

pytestmark = pytest.mark.database


def test_the_refusals_of_a_card_tell_when_at_which_gate_and_why_the_latest_first(world: World) -> None:
    lift, cheap = world.gate("lift"), world.gate("cheap", points=1)
    card, other = world.card("1", points=[3]), world.card("2", points=[1])
    world.admit(lift, "1", at(10))
    before = tables()
    # One batch: two refused, one admitted, one card that nobody knows.
    asked = [world.scan(lift, "1", at(10, 10)), world.scan(lift, "2", at(10, 11))]
    admit([*asked, world.scan(cheap, "2", at(10, 12)), world.scan(lift, "unknown", at(10, 13))])
    world.admit(cheap, "1", at(10, 20))
    told = [(one.at, one.place, one.answer.reason) for one in refusals_about(card)]
    assert told == [(at(10, 20), cheap, Reason.NOT_ENOUGH_POINTS), (at(10, 10), lift, Reason.NOT_ENOUGH_POINTS)]
    assert [(one.at, one.place) for one in refusals_about(other)] == [(at(10, 11), lift)]
    # Only the passage of card 2 entered the record: a refusal changes nothing.
    assert len(tables()["journal_operation"]) == len(before["journal_operation"]) + 1


def test_an_admitted_scan_leaves_no_trace_among_refusals(world: World, superuser: psycopg.Connection) -> None:
    card = world.card("1", points=[3])
    world.admit(world.gate("lift"), "1")
    assert refusals_about(card) == []
    assert superuser.execute("SELECT count(*) FROM journal_request WHERE subject IS NOT NULL").fetchone() == (0,)


def test_a_scan_repeated_is_refused_once(world: World) -> None:
    lift, card = world.gate("lift"), world.card("1", points=[1])
    scan = world.scan(lift, "1")
    assert admit([scan]) == admit([scan])
    assert len(refusals_about(card)) == 1


def test_the_refusals_of_a_card_are_found_by_an_index_however_many_there_are(world: World) -> None:
    lift, card = world.gate("lift"), world.card("1", points=[1])
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO journal_request (key, digest, answer, at, subject, place) SELECT 'r' || n, '', '{}',"
            " now(), gen_random_uuid(), %s FROM generate_series(1, 5000) n",
            [lift],
        )
        cursor.execute("ANALYZE journal_request")
        cursor.execute(
            "EXPLAIN SELECT at, place, answer FROM journal_request WHERE subject = %s ORDER BY at DESC LIMIT 10", [card]
        )
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "request_by_subject" in plan
    assert "Seq Scan" not in plan
