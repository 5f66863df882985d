"""Forms bring rows into one order, whatever order a batch made them in: transactions that cross wait, not deadlock."""

from __future__ import annotations

import random
import threading
from datetime import UTC, datetime
from uuid import UUID

import pytest
from django.db import connection, transaction

from karnet.journal.actors import BROKEN, ENROLLED
from karnet.journal.flight import in_one_flight
from karnet.journal.models import Actor
from karnet.journal.projection import Conflict, Form, Insert, Live, Row
from karnet.kernel.ids import named_id

NOW = datetime(2027, 1, 16, 8, tzinfo=UTC)


def actors(count: int) -> list[Row]:
    return [(named_id("actor", n), "device", None, NOW, 1) for n in range(count)]


def shuffled(rows: list[Row]) -> list[Row]:
    return random.Random(7).sample(rows, len(rows))


def test_rows_are_inserted_in_the_order_of_their_keys_whatever_their_other_values() -> None:
    rows = sorted(actors(50))
    assert ENROLLED.prepare(shuffled(rows)) == rows


def test_the_order_of_a_key_of_several_columns_is_that_of_all_of_them() -> None:
    rows: list[Row] = [(origin, number, *[None] * 6) for origin in (1, 2) for number in (1, 9, 10)]
    assert BROKEN.prepare(shuffled(rows)) == rows


def test_of_rows_that_may_be_present_equal_ones_are_written_once_and_the_first_of_a_key_first() -> None:
    form = Insert(Actor, ["id", "kind"], present_ok=True)
    low, high = UUID(int=1), UUID(int=2)
    rows: list[Row] = [(high, "device"), (low, "server"), (high, "device"), (low, "device")]
    assert form.prepare(rows) == [(low, "server"), (low, "device"), (high, "device")]


def apply(form: Form, rows: list[Row]) -> None:
    with transaction.atomic(), in_one_flight(connection) as send:
        send("SELECT set_config('karnet.recording', 'on', true)", [])
        form.apply(send, rows)


@pytest.mark.database
def test_two_batches_that_insert_the_same_rows_in_opposite_orders_never_deadlock(database: None) -> None:
    """One of each pair is told that its rows are there already; a deadlock would be another error."""
    rows, faults = actors(3000), list[Exception]()
    gate = threading.Barrier(2)

    def insert(mine: list[Row]) -> None:
        try:
            gate.wait()
            apply(ENROLLED, mine)
        except Exception as error:
            faults.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=insert, args=[mine]) for mine in (rows, rows[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [type(fault) for fault in faults] == [Conflict], faults


def test_what_is_put_in_and_taken_out_in_one_batch_is_never_there_and_what_ends_leaves_first() -> None:
    form = Live(Actor, ["id", "kind"])
    a, b, c = (named_id("actor", n) for n in range(3))
    sent: list[tuple[str, list[list[object]]]] = []

    def send(sql: str, parameters: object, check: object = None) -> None:
        sent.append((sql.split()[0], parameters))  # type: ignore[arg-type]

    form.apply(send, [form.put((a, "device")), form.take(b), form.take(a), form.put((c, "device"))])  # type: ignore[arg-type]
    assert sent == [("DELETE", [[b]]), ("INSERT", [[c], ["device"]])]
