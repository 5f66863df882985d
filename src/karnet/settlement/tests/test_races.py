"""What is scarce in settlement: the time in which an agreement is in force, and the closing that follows another."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from django.db import connection

from karnet.kernel.outcomes import Refused
from karnet.kernel.reasons import Reason
from karnet.settlement import selectors
from karnet.settlement.requests import Close, ClosedPeriod, PublishAgreement, PublishedAgreement
from karnet.settlement.services import close, publish_agreements
from karnet.settlement.tests.season import DAY, FOUNDED, Season, draft

pytestmark = pytest.mark.database

THREADS = 8


@pytest.fixture
def season(database: None) -> Season:
    return Season()


def together(work: Callable[[int], Any]) -> list[Any]:
    """Run `work` in threads that start at one moment; return their results."""
    barrier, results = threading.Barrier(THREADS), [None] * THREADS

    def run(n: int) -> None:
        try:
            barrier.wait()
            results[n] = work(n)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(n,)) for n in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_of_closings_at_one_moment_exactly_one_closes_the_period(season: Season) -> None:
    agreement = season.agree()
    season.sell("points30", seller="B")
    season.pass_gates("CA")
    cut = season.seal()
    request = {"at": DAY, "actor": season.server, "cut": cut.sizes}
    answers = together(lambda n: close([Close(key=f"close {n}", **request)])[0])
    won = [answer for answer in answers if isinstance(answer, ClosedPeriod)]
    assert [answer.sequence for answer in won] == [1]
    assert {a.reason for a in answers if isinstance(a, Refused)} <= {Reason.PERIOD_CLOSED, Reason.NOTHING_TO_CLOSE}
    assert [closing.id for closing in selectors.closings(agreement.id)] == [won[0].id]
    places = selectors.places()
    assert selectors.closed_amounts(agreement.id, places)[2, "points", -1] == 87


def test_the_same_closing_asked_many_times_is_made_once_and_answered_alike(season: Season) -> None:
    season.agree()
    cut = season.seal()
    request = Close(key="once", at=DAY, actor=season.server, cut=cut.sizes)
    answers = together(lambda n: close([request])[0])
    assert len(set(map(repr, answers))) == 1
    assert isinstance(answers[0], ClosedPeriod)


def test_of_overlapping_agreements_published_at_one_moment_exactly_one_is_in_force(season: Season) -> None:
    def publish(n: int) -> Any:
        text = draft(season=f"winter {n}", last_day=f"2027-03-{n + 1:02d}")
        return publish_agreements([PublishAgreement(key=f"publish {n}", at=FOUNDED, actor=season.server, text=text)])[0]

    answers = together(publish)
    assert sum(isinstance(answer, PublishedAgreement) for answer in answers) == 1
    assert {a.reason for a in answers if isinstance(a, Refused)} == {Reason.AGREEMENT_OVERLAPS}
    assert len(selectors.agreements()) == 1


def test_a_refusal_leaves_every_table_as_it_was(season: Season, superuser: psycopg.Connection) -> None:
    season.agree()
    cut = season.seal()
    season.close(cut)

    def tables() -> list[Any]:
        return [
            superuser.execute(f"SELECT t::text FROM {table} t ORDER BY 1").fetchall()
            for table in (
                "settlement_agreement", "settlement_closing", "settlement_closing_amount", "journal_operation",
                "accounts_transfer", "accounts_account", "access_terms",
            )
        ]  # fmt: skip

    before = tables()
    assert season.close(cut).reason == Reason.NOTHING_TO_CLOSE
    assert season.publish(draft(season="again")).reason == Reason.AGREEMENT_OVERLAPS
    assert season.publish(draft(members=["X"])).reason == Reason.BAD_VALUE
    assert season.publish(draft()).reason == Reason.ALREADY_EXISTS
    assert tables() == before


def test_the_database_itself_refuses_two_agreements_at_once(season: Season, superuser: psycopg.Connection) -> None:
    season.agree()
    superuser.execute("SET karnet.recording = 'on'")
    with pytest.raises(psycopg.errors.ExclusionViolation):
        superuser.execute(
            "INSERT INTO settlement_agreement SELECT gen_random_uuid(), 'x', text, season, valid_from, valid_until,"
            " at, origin, number FROM settlement_agreement"
        )


def test_an_unsealed_agreement_is_in_no_cut_yet(season: Season) -> None:
    season.seal()
    agreement = season.agree()
    assert selectors.agreement_in_force(DAY).id == agreement.id  # type: ignore[union-attr]
    from karnet.journal.cuts import latest_cut
    from karnet.settlement.services import settle

    assert settle(latest_cut(), at=DAY) == Refused(Reason.NO_AGREEMENT)
