"""Playing lines: batch by batch through the services, outcomes in the order of the lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from karnet.kernel.outcomes import Refused
from karnet.wiring.play import (
    acts_cards,
    acts_charging,
    acts_counter,
    acts_gates,
    acts_lockers,
    acts_parties,
    acts_passes,
    acts_record,
    acts_settling,
    acts_stays,
    acts_terms,
    steps,
    steps_lockers,
    steps_passes,
    steps_stays,
)
from karnet.wiring.play.expectations import Failure, failures
from karnet.wiring.play.reading import Line
from karnet.wiring.play.schedule import batches
from karnet.wiring.play.stage import Act, Answer, Stage

ACTS: Mapping[type[steps.Step], Act] = {
    steps.EnrolFacility: acts_parties.enrol_facility,
    steps.EnrolSalesPoint: acts_parties.enrol_sales_point,
    steps.EnrolOperator: acts_parties.enrol_operator,
    steps.EnrolGate: acts_gates.enrol,
    steps.Retire: acts_parties.retire,
    steps.Publish: acts_terms.publish,
    steps.Agree: acts_terms.agree,
    steps.OpenShift: acts_counter.open_shift,
    steps.CloseShift: acts_counter.close_shift,
    steps.Sell: acts_counter.sell,
    steps.TopUp: acts_counter.top_up,
    steps.Load: acts_charging.load,
    steps.Charge: acts_charging.charge,
    steps.Scan: acts_gates.scan,
    steps.Take: acts_gates.turn,
    steps.Block: acts_cards.block,
    steps.Unblock: acts_cards.unblock,
    steps.Replace: acts_counter.replace,
    steps.Return: acts_counter.give_back,
    steps.Invoice: acts_counter.invoice,
    steps.Settle: acts_settling.settle,
    steps.ClosePeriod: acts_settling.close_period,
    steps.Seal: acts_record.seal,
    steps.Verify: acts_record.verify,
    steps.RebuildCheck: acts_record.rebuild_check,
    steps.Inspect: acts_cards.inspect,
    steps.Balance: acts_settling.balance,
    steps_stays.PublishTariff: acts_stays.publish_tariff,
    steps_stays.Furnish: acts_stays.furnish,
    steps_stays.Enter: acts_stays.enter,
    steps_stays.ReadBand: acts_stays.read,
    steps_stays.Bill: acts_stays.bill,
    steps_stays.SettleStays: acts_stays.settle,
    steps_stays.ChargeBand: acts_stays.charge,
    steps_stays.CorrectStay: acts_stays.correct,
    steps_stays.LoseBand: acts_stays.lose_band,
    steps_stays.ForceClose: acts_stays.force_close,
    steps_stays.Evacuate: acts_stays.evacuate,
    steps_stays.Resume: acts_stays.resume,
    steps_stays.Heads: acts_stays.heads,
    steps_passes.OfferPasses: acts_passes.offer,
    steps_passes.SellPass: acts_passes.sell,
    steps_passes.TopUpPass: acts_passes.top_up,
    steps_passes.PayInstalments: acts_passes.pay_instalments,
    steps_passes.ChargePass: acts_passes.charge,
    steps_passes.UseCredits: acts_passes.use_credits,
    steps_passes.KeepUpPasses: acts_passes.keep_up,
    steps_passes.InspectPass: acts_passes.inspect,
    steps_lockers.FurnishLockers: acts_lockers.furnish,
    steps_lockers.TouchLocker: acts_lockers.touch,
    steps_lockers.KeepLocker: acts_lockers.keep,
    steps_lockers.Lockers: acts_lockers.lockers,
}


class Outcome(msgspec.Struct, frozen=True):
    """What a line came to. `fields` as docs/scenarios.md lists them; `failed`: the expectations it did not meet."""

    line: Line
    fields: dict[str, Any]
    failed: list[Failure]

    @property
    def ok(self) -> bool:
        return bool(self.fields["ok"])

    def written(self) -> bytes:
        """Return the outcome as a line of JSON."""
        told = {"line": self.line.number, **self.fields}
        if self.failed:
            told["failed"] = self.failed
        return msgspec.json.encode(told, enc_hook=str)


def play(stage: Stage, lines: Sequence[Line]) -> Iterator[Outcome]:
    """Play lines and yield one outcome for each, in order.

    Consecutive lines that do not depend on each other share transactions (schedule). Whatever stops the run, what was
    yielded is done and what was not may be: played again, the scenario goes on from where it was.
    """
    for window in batches(lines):
        answers: dict[int, Answer] = {}
        for batch in window:
            act = ACTS[type(batch[0].step)]
            answers.update(zip((line.number for line in batch), act(stage, batch), strict=True))
        for line in sorted((line for batch in window for line in batch), key=lambda line: line.number):
            yield _outcome(stage, line, answers[line.number])


def _outcome(stage: Stage, line: Line, answer: Answer) -> Outcome:
    step = line.step
    fields: dict[str, Any] = {"do": step.__struct_config__.tag, "at": step.at.isoformat()}
    if isinstance(answer, Refused):
        facts = {name: stage.name(fact) for name, fact in sorted(answer.facts.items())}
        fields |= {"ok": False, "refused": str(answer.reason), "facts": facts}
    else:
        fields |= {"ok": True} | answer
    return Outcome(line, fields, failures(step.expect or {}, fields))
