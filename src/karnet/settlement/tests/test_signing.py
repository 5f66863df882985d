"""Signing: an agreement is in force when every member's manager has signed exactly its text (SPEC N9)."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

import msgspec
import psycopg
import pytest
from django.contrib.auth import get_user_model
from hypothesis import given
from hypothesis import strategies as st

from karnet.access.services import Scan, Verdict, admit
from karnet.journal.rebuilding import check
from karnet.kernel.ids import named_id
from karnet.kernel.outcomes import Refused
from karnet.kernel.reasons import Reason
from karnet.parties.operations import facility_id, operator_id
from karnet.settlement import selectors
from karnet.settlement.requests import ProposeAgreement, ProposedAgreement, SignAgreement, SignedAgreement
from karnet.settlement.rules.agreements import TextFact, in_force
from karnet.settlement.services import propose_agreements, settle, sign_agreements
from karnet.settlement.tests.season import DAY, FOUNDED, Season, draft
from karnet.settlement.tests.test_races import together

pytestmark = pytest.mark.database
SIGNED = FOUNDED + timedelta(days=1)


@pytest.fixture
def season(database: None) -> Season:
    """Facilities A, B, C; Anna of each has a manager's log-in here."""
    season = Season()
    for code in "ABC":
        log_in(f"anna-{code}", "manager", manager(code))
    return season


def manager(code: str) -> UUID:
    return operator_id(facility_id(code), "anna")


def log_in(name: str, role: str, operator: UUID, **more: Any) -> None:
    get_user_model().objects.create(username=name, role=role, operator_id=operator, password="!", **more)  # noqa: S106


def propose(season: Season, text: str | None = None) -> ProposedAgreement:
    request = ProposeAgreement(key=season.key(), at=FOUNDED, actor=manager("A"), text=text or draft())
    (answer,) = propose_agreements([request])
    assert isinstance(answer, ProposedAgreement), answer
    return answer


def sign(season: Season, proposed: Any, code: str, **changes: Any) -> SignedAgreement | Refused:
    asked = {
        "key": season.key(), "at": SIGNED, "actor": manager(code), "agreement": proposed.id,
        "facility": facility_id(code), "sha256": proposed.sha256, **changes,
    }  # fmt: skip
    return sign_agreements([SignAgreement(**asked)])[0]


def scan(season: Season, at: datetime = DAY) -> Any:
    gate = named_id("gate", facility_id("A"), "lift")
    return admit([Scan(key=season.key(), at=at, actor=gate, gate=gate, chip=season.numbers[0])])[0]


def test_nothing_is_in_force_until_the_last_member_has_signed(season: Season) -> None:
    proposed = propose(season)
    season.sell("day", seller="B")
    for code, missing in (("B", ("A", "C")), ("A", ("C",))):
        answer = sign(season, proposed, code)
        assert isinstance(answer, SignedAgreement), answer
        assert answer.missing == missing
        assert selectors.agreement_in_force(DAY) is None
        assert scan(season).reason == Reason.NO_TERMS
        assert settle(season.seal(), at=DAY) == Refused(Reason.NO_AGREEMENT)
    early = season.seal()
    assert sign(season, proposed, "C").missing == ()  # type: ignore[union-attr]
    assert selectors.agreement_in_force(DAY).sha256 == proposed.sha256  # type: ignore[union-attr]
    assert isinstance(scan(season), Verdict)
    assert settle(early, at=DAY) == Refused(Reason.NO_AGREEMENT), "that cut knows two signatures"
    assert season.settle().agreement == proposed.id
    assert [(one.member, one.actor) for one in selectors.signatures(proposed.id)] == sorted(
        ((facility_id(code), manager(code)) for code in "ABC"), key=lambda pair: pair[0]
    )
    assert check().sound


@pytest.mark.parametrize(
    ("code", "changes", "reason"),
    [
        ("A", {"sha256": "0" * 64}, Reason.TEXT_DIFFERS),
        ("A", {"agreement": UUID(int=7)}, Reason.NO_AGREEMENT),
        ("A", {"actor": manager("B")}, Reason.NOT_A_MANAGER),
        ("A", {"actor": operator_id(facility_id("A"), "ola")}, Reason.NOT_A_MANAGER),
        ("D", {}, Reason.NOT_A_MEMBER),
    ],
)
def test_who_may_not_sign_is_refused_and_nothing_changes(
    season: Season, superuser: psycopg.Connection, code: str, changes: dict[str, Any], reason: Reason
) -> None:
    from karnet.parties.services import EnrolFacility, EnrolOperator, enrol_facilities, enrol_operators

    asked = {"at": FOUNDED, "actor": season.server}
    enrol_operators([EnrolOperator(key=season.key(), facility=facility_id("A"), code="ola", **asked)])
    enrol_facilities([EnrolFacility(key=season.key(), code="D", currency="PLN", time_zone="Europe/Warsaw", **asked)])
    enrol_operators([EnrolOperator(key=season.key(), facility=facility_id("D"), code="anna", **asked)])
    log_in("ola", "cashier", operator_id(facility_id("A"), "ola"))
    log_in("locked", "manager", operator_id(facility_id("A"), "ola"), is_active=False)
    proposed = propose(season)

    def tables() -> list[Any]:
        names = ("settlement_agreement", "settlement_signature", "access_terms", "journal_operation")
        return [superuser.execute(f"SELECT t::text FROM {name} t ORDER BY 1").fetchall() for name in names]

    before = tables()
    answer = sign(season, proposed, code, **changes)
    assert isinstance(answer, Refused)
    assert answer.reason == reason
    assert tables() == before


def test_a_member_signs_once(season: Season) -> None:
    proposed = propose(season)
    assert isinstance(sign(season, proposed, "A"), SignedAgreement)
    assert sign(season, proposed, "A") == Refused(Reason.ALREADY_SIGNED, {"facility": "A"})


def test_the_database_itself_counts_a_signature_once(season: Season, superuser: psycopg.Connection) -> None:
    proposed = propose(season)
    sign(season, proposed, "A")
    superuser.execute("SET karnet.recording = 'on'")
    with pytest.raises(psycopg.errors.UniqueViolation):
        superuser.execute("INSERT INTO settlement_signature SELECT * FROM settlement_signature")


def test_a_change_is_a_new_agreement_that_all_sign_and_that_ends_the_old_one(season: Season) -> None:
    old = propose(season)
    for code in "ABC":
        sign(season, old, code)
    overlapping = draft(season="spring", first_day="2027-02-01")
    request = ProposeAgreement(key=season.key(), at=SIGNED, actor=manager("A"), text=overlapping)
    assert propose_agreements([request])[0].reason == Reason.AGREEMENT_OVERLAPS  # type: ignore[union-attr]
    gates = json.loads(draft())["gates"] | {"A/lift": {"points": 3, "weight": "1.10"}}
    new = propose(season, draft(season="spring", first_day="2027-02-01", gates=gates, replaces=old.sha256))
    for code in "AB":
        assert isinstance(sign(season, new, code), SignedAgreement)
    assert [row.text.season for row in selectors.agreements()] == ["2026/27"], "not all have signed the change"
    sign(season, new, "C")
    first, second = selectors.agreements()
    assert (first.valid_until, second.valid_from) == (new.valid_from, new.valid_from)
    assert second.text.replaces == old.id
    assert selectors.agreement_draft(second).replaces == old.sha256


def test_a_change_without_a_member_of_the_old_agreement_is_refused(season: Season) -> None:
    old = propose(season)
    for code in "ABC":
        sign(season, old, code)
    text = draft(
        season="spring", first_day="2027-02-01", members=["A", "B"], replaces=old.sha256,
        gates={"A/lift": {"points": 3, "weight": "1.00"}},
    )  # fmt: skip
    request = ProposeAgreement(key=season.key(), at=SIGNED, actor=manager("A"), text=text)
    (answer,) = propose_agreements([request])
    assert isinstance(answer, Refused)
    assert "C" in str(answer.facts["replaces"])


def texts(*signed: dict[str, int], **changes: Any) -> list[TextFact]:
    """Texts for the same days, each with the hours at which members A, B and C signed it."""
    from karnet.settlement.tests.test_agreements import decided
    from karnet.settlement.tests.test_agreements import draft as plain

    facts = []
    for n, hours in enumerate(signed):
        _, (operation,) = decided(plain(season=f"text {n}", **changes))
        facts.append(
            TextFact(
                id=operation.id, sha256=operation.sha256, text=operation.text, valid_from=operation.valid_from,
                valid_until=operation.valid_until, at=FOUNDED, published=False,
                signed={named_id("facility", code): FOUNDED + timedelta(hours=hour) for code, hour in hours.items()},
            )
        )  # fmt: skip
    return facts


def test_of_two_complete_texts_for_the_same_days_the_one_completed_first_is_in_force_whoever_looks() -> None:
    both = texts({"A": 1, "B": 2, "C": 9}, {"A": 3, "B": 4, "C": 5})
    assert [one.fact.text.season for one in in_force(both)] == ["text 1"]
    assert in_force(both[::-1]) == in_force(both)
    assert [one.fact.text.season for one in in_force(texts({"A": 1, "B": 2, "C": 9}, {"A": 3, "B": 4}))] == ["text 0"]


def test_the_season_still_ends_when_it_should(season: Season) -> None:
    """The published way stays for a server that runs all members, and overlaps are refused between both ways."""
    season.agree()
    request = ProposeAgreement(key=season.key(), at=SIGNED, actor=manager("A"), text=draft(season="again"))
    assert propose_agreements([request])[0].reason == Reason.AGREEMENT_OVERLAPS  # type: ignore[union-attr]
    assert selectors.agreements()[0].valid_until == datetime(2027, 4, 5, 22, tzinfo=UTC)


def test_of_two_texts_signed_by_all_at_one_moment_one_is_in_force(season: Season) -> None:
    both = [propose(season, draft(season=f"text {n}", last_day=f"2027-03-0{n + 1}")) for n in range(2)]
    for code in "AB":
        for proposed in both:
            assert isinstance(sign(season, proposed, code), SignedAgreement)
    keys = [season.key() for _ in range(8)]

    def last(n: int) -> Any:
        proposed = both[n % 2]
        asked = {"agreement": proposed.id, "facility": facility_id("C"), "sha256": proposed.sha256}
        return sign_agreements([SignAgreement(key=keys[n], at=SIGNED, actor=manager("C"), **asked)])[0]

    answers = together(last)
    assert sum(isinstance(answer, SignedAgreement) for answer in answers) == 1
    refusals = {answer.reason for answer in answers if isinstance(answer, Refused)}
    assert refusals <= {Reason.AGREEMENT_OVERLAPS, Reason.ALREADY_SIGNED}
    assert len(selectors.agreements()) == 1
    assert check().sound


DAYS = [datetime(2027, 1, 1, tzinfo=UTC) + timedelta(days=day) for day in range(12)]


@st.composite
def any_texts(draw: st.DrawFn) -> list[TextFact]:
    """Texts for overlapping days, some replacing an earlier one, signed by some of their members at some time."""
    (plain,) = texts({})
    made: list[TextFact] = []
    for n in range(draw(st.integers(1, 6))):
        first = draw(st.integers(0, 9))
        last = draw(st.integers(first + 1, 11))
        replaced = draw(st.none() | st.sampled_from(made)) if made else None
        hours = draw(st.lists(st.integers(0, 5), min_size=2, max_size=3))
        text = msgspec.structs.replace(plain.text, replaces=replaced.id if replaced else None)
        signed = {member: FOUNDED + timedelta(hours=hour) for member, hour in zip(text.members, hours, strict=False)}
        made.append(
            TextFact(
                id=UUID(int=draw(st.integers(1, 10**6)) * 10 + n), sha256=f"{n}", text=text, valid_from=DAYS[first],
                valid_until=DAYS[last], at=FOUNDED, published=draw(st.booleans()), signed=signed,
            )
        )  # fmt: skip
    return made


@given(any_texts(), st.randoms(use_true_random=False))
def test_agreements_in_force_never_overlap_and_do_not_depend_on_the_order_of_arrival(
    made: list[TextFact], chance: random.Random
) -> None:
    standing = in_force(made)
    assert in_force(chance.sample(made, len(made))) == standing
    for before, after in pairwise(standing):
        assert before.valid_until <= after.valid_from
    for one in standing:
        assert one.fact.completed_at is not None
        assert one.valid_from < one.valid_until <= one.fact.valid_until
