"""A process that does at one server what people and gates do there: `python -m karnet.wiring.network.hand DIRECTORY`.

It reads one JSON object a line from standard input and answers each with one on standard output. It ends with its
standard input.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from karnet.wiring.installation import Installation

if TYPE_CHECKING:
    from karnet.wiring.play.reading import Line

_TRY_EVERY_S, _TRY_AGAIN_S = 0.02, 0.5
_BATCHES_PER_S, _FULL_BATCH = 10, 400


class Hand:
    """Answers commands at one installation, to whose database Django is connected."""

    def __init__(self, installation: Installation) -> None:
        from karnet.wiring.play.staging import staged

        self._installation = installation
        self._stage = staged(installation)
        self._numbered = 0
        self._lines: list[Line] = []
        self._sold = 0

    def play(self, steps: list[dict[str, Any]]) -> dict[str, Any]:
        """Play steps of a scenario; return what each came to and when the last was committed (monotonic seconds)."""
        self.load(steps)
        return self.play_loaded(0, len(steps))

    def load(self, steps: list[dict[str, Any]]) -> dict[str, Any]:
        """Take a scenario to be played in parts: what a turn or a return refers to may stand in an earlier part."""
        from karnet.wiring.play.reading import numbered
        from karnet.wiring.play.steps import AnyStep

        first = self._numbered + 1
        self._numbered += len(steps)
        self._lines = numbered(enumerate(msgspec.convert(steps, list[AnyStep]), start=first))
        return {"lines": len(self._lines)}

    def play_loaded(self, start: int, stop: int) -> dict[str, Any]:
        """Play a part of the scenario that was loaded last."""
        from karnet.wiring.play.player import play

        played = play(self._stage, self._lines[start:stop])
        outcomes = [{"ok": outcome.ok, **outcome.fields} for outcome in played]
        return {"outcomes": outcomes, "monotonic": time.monotonic()}

    def sell(self, step: dict[str, Any]) -> dict[str, Any]:
        """Play one sale; return whether it was made, and when."""
        played = self.play([step])
        return {"ok": played["outcomes"][0]["ok"], "told": played["outcomes"][0], "monotonic": played["monotonic"]}

    def admit(self, gate: str, card: str, at: datetime, wait_s: float) -> dict[str, Any]:
        """Show a card at a gate until it opens or the time is over; return when it did, and what was said before."""
        from karnet.access.requests import Scan, Verdict
        from karnet.access.services import admit

        place, end, tries, said = self._stage.gate(gate), time.monotonic() + wait_s, 0, "unknown_medium"
        while True:
            # Looked for before it is shown: a gate that refuses many cards a minute slows down.
            if self.query("SELECT 1 FROM entitlements_medium WHERE number = %s", [card])["rows"]:
                tries += 1
                instant = at + timedelta(seconds=tries)
                (verdict,) = admit(
                    [Scan(key=f"{gate}:{card}:{instant}", at=instant, actor=place, gate=place, chip=card)]
                )
                if isinstance(verdict, Verdict):
                    return {"ok": True, "monotonic": time.monotonic(), "tries": tries, "said": said}
                said = str(verdict.reason)
            if time.monotonic() > end:
                return {"ok": False, "monotonic": time.monotonic(), "tries": tries, "said": said}
            time.sleep(_TRY_EVERY_S if not tries else _TRY_AGAIN_S)

    def replace_elsewhere(self, key: str, old: str, new: str, operator: str, sales_point: str) -> dict[str, Any]:
        """Let the home server of a card replace it, as a till does."""
        from karnet.entitlements.selectors import media_by_number
        from karnet.federation.away import ReplaceElsewhere, replace_elsewhere
        from karnet.wiring import clock

        medium = media_by_number([old])[old]
        request = ReplaceElsewhere(
            facility=medium.away or "",
            old=medium.id,
            new_number=new,
            operator=self._stage.operator(operator),
            sales_point=self._stage.sales_point(sales_point),
        )
        return _told(replace_elsewhere(request, key=key, now=clock.now()))

    def refund_elsewhere(self, key: str, card: str, operator: str, sales_point: str) -> dict[str, Any]:
        """Refund all that another server sold on a card, and take the card back, as a till does."""
        from karnet.entitlements.selectors import holdings, media_by_number
        from karnet.federation.refunds import Refund, refund_elsewhere
        from karnet.orders.receipts import orders_of_tickets, receipt
        from karnet.parties.selectors import facilities
        from karnet.wiring import clock

        medium = media_by_number([card])[card]
        (order,) = set(orders_of_tickets({one.id: one.sold_at for one in holdings([medium.id])[medium.id]}).values())
        sold = receipt(order)
        assert sold is not None, "it was found a moment ago"
        request = Refund(
            facility=facilities([sold.order.facility])[sold.order.facility].code,
            order=order,
            lines=tuple(line.id for line in sold.lines),
            cards=(card,),
            operator=self._stage.operator(operator),
            sales_point=self._stage.sales_point(sales_point),
        )
        return _told(refund_elsewhere(request, key=key, now=clock.now(), at=clock.now()))

    def load_sales(self, sales_point: str, at: datetime, per_s: int, seconds: float) -> dict[str, Any]:
        """Sell day tickets, a card each, so many a second (0: as fast as it goes); return the rate that was held."""
        from karnet.wiring.demo.network import DESKS

        (clerk,) = [desk.operator for desk in DESKS if desk.code == sales_point]
        batch, made, began = max(1, per_s // _BATCHES_PER_S) if per_s else _FULL_BATCH, 0, time.monotonic()
        while (took := time.monotonic() - began) < seconds:
            if per_s and made > took * per_s:
                time.sleep(0.005)
                continue
            self._sold += batch
            cards = [f"{sales_point}:{self._sold - n}" for n in range(batch)]
            when = (at + timedelta(milliseconds=self._sold)).isoformat()
            step = {"do": "sell", "at": when, "sales_point": sales_point, "pay": "card"} | (
                {"operator": clerk} if clerk else {}
            )
            told = self.play([{**step, "lines": [{"product": "day", "cards": [card]}]} for card in cards])
            assert all(outcome["ok"] for outcome in told["outcomes"]), told["outcomes"][0]
            made += batch
        return {"per_s": made / (time.monotonic() - began), "made": made}

    def propose(self, step: dict[str, Any]) -> dict[str, Any]:
        """Propose the agreement of a step to its members."""
        from karnet.settlement.services import ProposeAgreement, propose_agreements
        from karnet.wiring.play.acts_terms import draft_text
        from karnet.wiring.play.steps import Agree

        agree = msgspec.convert(step, Agree)
        request = ProposeAgreement(
            key=f"propose:{agree.season}", at=agree.at, actor=self._stage.server, text=draft_text(agree)
        )
        return _told(propose_agreements([request])[0])

    def sign(self, agreement: UUID, sha256: str, operator: str, at: datetime) -> dict[str, Any]:
        """Let the manager who is this operator sign an agreement for the operator's facility."""
        from karnet.parties.services import AddUser, add_user
        from karnet.settlement.services import SignAgreement, sign_agreements

        actor = self._stage.operator(operator)
        name = operator.replace("/", ".")
        add_user(AddUser(username=name, role="manager", password=f"no one logs in {at}", operator=actor))
        facility = self._stage.facility(operator.split("/")[0])
        request = SignAgreement(
            key=f"sign:{agreement}:{operator}",
            at=at,
            actor=actor,
            agreement=agreement,
            facility=facility,
            sha256=sha256,
        )
        return _told(sign_agreements([request])[0])

    def logs(self) -> dict[str, Any]:
        """Return how far each log is held and applied here, what it waits for, and the tail that is not sealed yet."""
        from karnet.journal.arrivals import applied_sizes, held_logs
        from karnet.journal.selectors import progress

        held = held_logs()
        return {
            "applied": applied_sizes(),
            "held": {name: log.size for name, log in held.items()},
            "waiting": {name: log.waiting for name, log in held.items() if log.waiting},
            "quarantined": {
                name: f"{log.quarantined.index}: {log.quarantined.code}: {log.quarantined.detail}"
                for name, log in held.items()
                if log.quarantined
            },
            "unsealed": progress().unsealed,
        }

    def settle(self, cut: Mapping[str, int], at: datetime) -> dict[str, Any]:
        """Settle over a cut as of an instant; return the report's hash."""
        from karnet.journal.cuts import Cut
        from karnet.kernel.outcomes import Refused
        from karnet.settlement.rules.report import digest
        from karnet.settlement.services import settle

        report = settle(Cut(dict(cut)), at=at, until=at, as_of=at)
        if isinstance(report, Refused):
            return _told(report)
        return {"ok": True, "sha256": digest(report)}

    def query(self, sql: str, values: Sequence[Any] = ()) -> dict[str, Any]:
        """Return the rows of a query."""
        from django.db import connection

        with connection.cursor() as cursor:
            cursor.execute(sql, list(values))
            return {"rows": [[str(value) for value in row] for row in cursor.fetchall()]}


def _told(answer: Any) -> dict[str, Any]:
    from karnet.kernel.outcomes import Refused

    told: dict[str, Any] = msgspec.to_builtins(answer)
    return {"ok": not isinstance(answer, Refused), **told}


def main(directory: Path) -> None:
    """Answer commands until the standard input ends."""
    from karnet.wiring.boot import boot
    from karnet.wiring.postgres import running

    installation = Installation.load(directory)
    with running(installation):
        boot(installation)
        hand = Hand(installation)
        for line in sys.stdin.buffer:
            told = _answer(hand, msgspec.json.decode(line))
            sys.stdout.buffer.write(msgspec.json.encode(told, enc_hook=str) + b"\n")
            sys.stdout.buffer.flush()


def _answer(hand: Hand, command: dict[str, Any]) -> dict[str, Any]:
    from django.db import InterfaceError, OperationalError, connection

    act: Callable[..., dict[str, Any]] = getattr(hand, command.pop("do"))
    for name in ("at",):
        if name in command:
            command[name] = datetime.fromisoformat(command[name])
    if "agreement" in command:
        command["agreement"] = UUID(command["agreement"])
    while True:
        try:
            return act(**command)
        except (OperationalError, InterfaceError) as error:
            # The database was killed under us: whoever keeps it starts it again, and the same keys do nothing twice.
            connection.close()
            print(f"hand: {str(error).strip()}", file=sys.stderr)
            time.sleep(0.5)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
