"""Counting a day as it is played: sales, passages, refusals, and what was not as reckoned."""

from __future__ import annotations

from collections import Counter

import msgspec

from karnet.wiring.demo import network
from karnet.wiring.play.amounts import minor_units
from karnet.wiring.play.player import Outcome
from karnet.wiring.play.steps import CloseShift, Replace, Return, Scan, Sell, Take, TopUp
from karnet.wiring.play.steps_stays import ChargeBand, Enter, ReadBand, SettleStays

MOST_SURPRISES = 20


class Sold(msgspec.Struct):
    """Pieces of a product sold, and their gross amount in minor units."""

    pieces: int = 0
    amount: int = 0


class Tally(msgspec.Struct):
    """What a day came to. Amounts in minor units; `surprises`: outcomes that were not as the simulation reckoned.

    Of the pool: `swimmers` came, were read `readings` times, ate `dishes`, and paid `swum` in all.
    """

    steps: int = 0
    sales: int = 0
    sold: dict[str, Sold] = {}
    payments: Counter[str] = msgspec.field(default_factory=Counter)
    deposits_taken: int = 0
    deposits_back: dict[str, int] = msgspec.field(default_factory=Counter)
    returned: int = 0
    replaced: int = 0
    passages: Counter[int] = msgspec.field(default_factory=Counter)
    passages_by_gate: Counter[str] = msgspec.field(default_factory=Counter)
    not_taken: int = 0
    refused_at_gates: Counter[str] = msgspec.field(default_factory=Counter)
    refused_at_counters: Counter[str] = msgspec.field(default_factory=Counter)
    cash_difference: int = 0
    swimmers: int = 0
    readings: int = 0
    dishes: int = 0
    swum: int = 0
    unexpected: int = 0
    surprises: list[str] = msgspec.field(default_factory=list)

    def count(self, outcome: Outcome) -> None:
        """Take in one outcome."""
        self.steps += 1
        step = outcome.line.step
        if outcome.failed:
            self._surprised(outcome)
        if not outcome.ok:
            where = self.refused_at_gates if isinstance(step, Scan | Take | ReadBand) else self.refused_at_counters
            where[outcome.fields["refused"]] += 1
        elif isinstance(step, Scan):
            if not outcome.fields["waits"]:
                self._passed(step.at.hour, step.gate)
        elif isinstance(step, Take):
            if step.taken:
                self._passed(step.at.hour, step.gate)
            else:
                self.not_taken += 1
        elif isinstance(step, Enter | ReadBand | ChargeBand | SettleStays):
            self._at_pool(outcome)
        else:
            self._at_counter(outcome)

    def _at_pool(self, outcome: Outcome) -> None:
        step, fields = outcome.line.step, outcome.fields
        if isinstance(step, Enter):
            self.swimmers += len(step.bands)
            self.swum += fields["prepaid"].minor
        elif isinstance(step, SettleStays):
            self.swum += fields["paid"].minor
        elif isinstance(step, ChargeBand):
            self.dishes += len(step.extras)
        elif isinstance(step, ReadBand):
            self.readings += 1

    def _at_counter(self, outcome: Outcome) -> None:
        step, fields = outcome.line.step, outcome.fields
        if isinstance(step, Sell):
            facility = step.sales_point.split("/")[0]
            self._sale(fields)
            for line in step.lines:
                pieces = len(line.cards) or line.quantity
                self._sold(line.product, pieces, pieces * network.price(facility, line.product, line.category))
            if not isinstance(step.pay, str):
                for payment in step.pay:
                    self.payments[payment.kind] += minor_units(payment.amount or 0, network.CURRENCY)
        elif isinstance(step, TopUp):
            self._sale(fields)
            self._sold(step.product, 1, fields["total"].minor)
            self.payments[str(step.pay)] += fields["total"].minor
        elif isinstance(step, Return):
            facility = step.sales_point.split("/")[0]
            self.deposits_back[facility] += fields["deposit"].minor
            self.returned += fields["refund"].minor - fields["deposit"].minor
        elif isinstance(step, Replace):
            self.replaced += 1
        elif isinstance(step, CloseShift):
            self.cash_difference += fields["difference"].minor

    def _sale(self, fields: dict[str, object]) -> None:
        self.sales += 1
        self.deposits_taken += fields["deposit"].minor  # type: ignore[attr-defined]

    def _sold(self, product: str, pieces: int, amount: int) -> None:
        sold = self.sold.setdefault(product, Sold())
        sold.pieces += pieces
        sold.amount += amount

    def _passed(self, hour: int, gate: str) -> None:
        if gate in network.EXITS.values():
            return  # the way out is no ride
        self.passages[hour] += 1
        self.passages_by_gate[gate] += 1

    def _surprised(self, outcome: Outcome) -> None:
        self.unexpected += 1
        if len(self.surprises) < MOST_SURPRISES:
            told = "; ".join(map(str, outcome.failed))
            why = f" ({outcome.fields['refused']} {outcome.fields['facts']})" if not outcome.ok else ""
            self.surprises.append(f"{outcome.line.step.at:%d.%m. %H:%M:%S} {outcome.fields['do']}: {told}{why}")
