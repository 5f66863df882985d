"""Settlements, closings, and balances of the books."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from karnet.access.services import Lapse, lapse_grants
from karnet.accounts.operations import house_account
from karnet.accounts.selectors import balances
from karnet.kernel.outcomes import Refused, refused
from karnet.kernel.reasons import Reason
from karnet.settlement import selectors
from karnet.settlement.requests import Close, ClosedPeriod
from karnet.settlement.rules.report import Report, digest
from karnet.settlement.rules.totals import COUNTS, NOBODY
from karnet.settlement.services import close
from karnet.settlement.services import settle as settle_season
from karnet.wiring.play import steps
from karnet.wiring.play.acts_record import seal_now
from karnet.wiring.play.amounts import Money
from karnet.wiring.play.asking import ask
from karnet.wiring.play.reading import Line
from karnet.wiring.play.stage import Answer, Fields, Stage, Unplayable

# A settlement counts what happened before an instant; a step settles what happened up to and at its own.
_JUST_AFTER = timedelta(milliseconds=1)

_COUNTS = ("tickets", "passages", "points_taken", "overdrawn", "local_passages")
_AMOUNTS = (
    "collected", "points", "time", "bundles", "unused", "over_price", "earned", "deferred", "deposits", "stored", "bonus",
    "balance", "deposits_held", "deposits_kept", "second_payouts", "stored_taken", "stored_spent", "bonus_given",
    "bonus_spent", "local",
)  # fmt: skip


def settle(stage: Stage, lines: Sequence[Line]) -> list[Answer]:
    """Compute settlements over everything recorded; what happened after a step's instant does not count."""
    return [_settled(stage, line) for line in lines]


def _settled(stage: Stage, line: Line) -> Answer:
    step = line.step
    assert isinstance(step, steps.Settle)
    _lapse(stage, line)
    seal_now(stage.installation)
    agreement = _agreement(step.season)
    if isinstance(agreement, Refused):
        return agreement
    report = settle_season(
        at=step.at, agreement=agreement, since=step.since, until=step.at + _JUST_AFTER, as_of=step.at
    )
    return report if isinstance(report, Refused) else report_fields(report)


def report_fields(report: Report) -> Fields:
    """Return a settlement as outcomes show it: figures by facility code, what each nets, who owes whom."""

    def money(minor: int) -> Money:
        return Money(minor, report.currency)

    return {
        "season": report.season,
        "currency": report.currency,
        "facilities": {
            line.code: {name: getattr(line, name) for name in _COUNTS}
            | {name: money(getattr(line, name)) for name in _AMOUNTS}
            for line in report.facilities
        },
        "net": {line.code: money(line.balance) for line in report.facilities},
        "owes": [_due(due.debtor, due.creditor, money(due.amount)) for due in report.dues],
        "pays": [_due(due.debtor, due.creditor, money(due.amount)) for due in report.payments],
        "unmatched_passages": report.unmatched_passages,
        "sha256": digest(report),
    }


def _due(debtor: str, creditor: str, amount: Money) -> Fields:
    return {"from": debtor, "to": creditor, "amount": amount}


def close_period(stage: Stage, lines: Sequence[Line]) -> list[Answer]:
    """Close periods."""
    for line in lines:
        _lapse(stage, line)
    seal_now(stage.installation)

    def request(line: Line) -> Close:
        step = line.step
        assert isinstance(step, steps.ClosePeriod)
        agreement = _agreement(step.season)
        if isinstance(agreement, Refused):
            raise Unplayable(agreement)
        return Close(key=line.key, at=step.at, actor=stage.server, agreement=agreement, until=step.at + _JUST_AFTER)

    return ask(lines, request, close, lambda line, closed: _closed(closed))


def _closed(closed: ClosedPeriod) -> Fields:
    """Return a closing as outcomes show it: the period's own amounts by facility and kind, zeros left out."""
    places = selectors.places()
    row = next(row for row in selectors.agreements() if row.id == closed.agreement)
    amounts: dict[str, Fields] = {}
    for (place, kind, other), amount in sorted(
        selectors.closed_amounts(closed.agreement, places, closed.sequence).items()
    ):
        told = amount if kind in COUNTS else Money(amount, row.text.currency)
        own = amounts.setdefault(places[place].code, {})
        if other == NOBODY:
            own[str(kind)] = told
        else:
            own.setdefault(str(kind), {})[places[other].code] = told
    return {"sequence": closed.sequence, "period_end": closed.period_end.isoformat(), "amounts": amounts}


def _agreement(season: str | None) -> UUID | Refused | None:
    if season is None:
        return None
    row = next((row for row in selectors.agreements() if row.text.season == season), None)
    return refused(Reason.NO_AGREEMENT, season=season) if row is None else row.id


def _lapse(stage: Stage, line: Line) -> None:
    """End the grants whose time is over, as the worker of a running server would have."""
    limit = 1024
    for n in range(1_000_000):
        lapse = Lapse(key=f"{line.key}:lapse:{n}", at=line.step.at, actor=stage.server, limit=limit)
        (lapsed,) = lapse_grants([lapse])
        if isinstance(lapsed, Refused) or lapsed.grants < limit:
            return


def balance(stage: Stage, lines: Sequence[Line]) -> list[Answer]:
    """Tell the balances of house accounts."""
    answers: list[Answer] = []
    for line in lines:
        step = line.step
        assert isinstance(step, steps.Balance)
        facility = stage.enrolled(step.facility)
        if isinstance(facility, Refused):
            answers.append(facility)
            continue
        account = house_account(facility.id, step.account, facility.currency)
        held = balances([account]).get(account)
        answers.append({"balance": Money(held.balance if held else 0, facility.currency)})
    return answers
