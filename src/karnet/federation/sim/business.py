"""What people do at a simulated server: they sell, let through gates, block, take back; on what their server knows.

Operations are the real structs; who sells what to whom is made up from the seed. Decisions read the server's own
tables, so with the link down they go by what was known then, as in life: points are spent twice, a deposit is paid back at two places.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from random import Random
from uuid import UUID

from karnet.access.operations import Gate, GateEnrolled, Granted, NotTaken, Passage, Passed, Taken, gate_id
from karnet.accounts.operations import (
    AccountOpened,
    BooksOpened,
    Charged,
    Loaded,
    MoneyDrawn,
    MoneyLoaded,
    ReservationEnded,
    Reserved,
    StoredAccount,
    Transfer,
    house_account,
    stored_account,
)
from karnet.accounts.rules import house_accounts
from karnet.catalogue.operations import Product, Published, Validity
from karnet.entitlements.operations import (
    Activated,
    Blocked,
    DayUsed,
    DepositReturned,
    DepositTaken,
    EntitlementIssued,
    MediumBlocked,
    MediumIssued,
    MediumReturned,
    MediumUnblocked,
    Unblocked,
)
from karnet.entitlements.rules import medium_id, points_account
from karnet.federation.sim import keys, refunds
from karnet.federation.sim.schema import Row
from karnet.federation.sim.server import Server
from karnet.journal.operations import ActorEnrolled, Founded, Operation
from karnet.kernel.ids import owned_id
from karnet.kernel.time import instant
from karnet.orders.operations import Line, Payment, Returned, ShiftClosed, ShiftOpened, Sold
from karnet.orders.rules.pricing import allocate, earned
from karnet.parties.operations import (
    Facility,
    FacilityEnrolled,
    Operator,
    OperatorEnrolled,
    SalesPoint,
    SalesPointEnrolled,
    facility_id,
    operator_id,
    sales_point_id,
)

CURRENCY, ZONE = "PLN", "Europe/Warsaw"
PRICE, DEPOSIT, POINTS, VAT_BP = 26_00, 10_00, 30, 800
FOR_EVER = Validity(kind="season")
REFUNDS = ((1, refunds.let), (4, refunds.pay), (1, refunds.pay_alone), (4, refunds.answer))
FOUNDED = datetime(2027, 1, 1, tzinfo=UTC)
"""The instant in the ids of what is there from the beginning."""


class Desk:
    """The one facility of a server: its ids, and the ways in which it is used."""

    def __init__(self, server: Server, code: str) -> None:
        self.server, self.code = server, code
        self.facility = facility_id(code)
        self.operator = operator_id(self.facility, "anna")
        self.till = sales_point_id(self.facility, "till")
        self.gate = gate_id(self.facility, "gate")
        self.product = owned_id(server.who.server, FOUNDED, code, "product")
        self._keys = 0

    def found(self, at: datetime) -> bool:
        """Found the log, enrol everybody, open the books, publish a price list. False where that is on record."""
        actor, facility = self.server.who.server, self.facility
        hub = (keys.opened(self.server),) if self.code == "hub" else ()
        return self.server.record(
            f"found:{self.code}",
            at,
            actor,
            Founded(name=self.server.name, server=ActorEnrolled(id=actor, kind="server")),
            *hub,
            FacilityEnrolled(
                actor=ActorEnrolled(id=facility, kind="facility", parent=actor),
                facility=Facility(id=facility, code=self.code, currency=CURRENCY, time_zone=ZONE),
            ),
            OperatorEnrolled(
                actor=ActorEnrolled(id=self.operator, kind="operator", parent=facility),
                operator=Operator(id=self.operator, facility=facility, code="anna"),
            ),
            SalesPointEnrolled(
                actor=ActorEnrolled(id=self.till, kind="sales_point", parent=facility),
                sales_point=SalesPoint(id=self.till, facility=facility, code="till", kind="till"),
            ),
            GateEnrolled(
                actor=ActorEnrolled(id=self.gate, kind="device", parent=facility),
                gate=Gate(id=self.gate, facility=facility, code="gate", direction="in", reports_turn=False),
            ),
            BooksOpened(facility=facility, accounts=house_accounts(facility, CURRENCY)),
            Published(
                facility=facility, currency=CURRENCY, on_sale_from=at,
                products=(
                    Product(
                        id=self.product, code="points-30", kind="points", names={"en": "30 points"},
                        prices={"adult": PRICE}, vat_bp=VAT_BP, points=POINTS, validity=FOR_EVER, deposit_minor=DEPOSIT,
                    ),
                ),
            ),
        )  # fmt: skip

    def act(self, chance: Random, at: datetime) -> bool:
        """Do something that somebody at this facility could do now; return whether anything was recorded."""
        ways: Sequence[tuple[int, Callable[[Random, datetime], Operation | None]]] = (
            (5, self.sell), (8, self.pass_gate), (2, self.top_up), (2, self.block), (2, self.unblock),
            (4, self.hand_in), (1, self.open_shift), (1, self.close_shift), (2, self.load), (3, self.charge),
            (2, self.grant), (2, self.turn), *((weight, partial(act, self)) for weight, act in REFUNDS),
        )  # fmt: skip
        way = chance.choices([way for _, way in ways], [weight for weight, _ in ways])[0]
        operation = way(chance, at)
        return operation is not None and self.record(operation, chance, at)

    def record(self, operation: Operation, chance: Random, at: datetime) -> bool:
        """Record an operation as somebody of this facility; return whether the tables took it."""
        self._keys += 1
        actor = self.gate if isinstance(operation, Passed | Granted | Taken | NotTaken) else self.operator
        key = f"{self.code}:{self._keys}:{chance.getrandbits(32)}"
        return self.server.record(key, at, actor, operation, salt=chance.randbytes(16))

    def _made(self, at: datetime, key: str, what: str) -> UUID:
        return owned_id(self.server.who.server, instant(at), key, what)

    def _new(self, at: datetime, chance: Random, what: str) -> UUID:
        return self._made(at, f"{self.code}:{chance.getrandbits(64)}", what)

    def sell(self, chance: Random, at: datetime) -> Operation:
        """A points ticket on a new card, with a deposit. Now and then another server issues the same number."""
        shared = chance.random() < 0.1
        number = f"shared-{chance.randrange(2)}" if shared else f"{self.code}-{chance.getrandbits(48)}"
        medium = MediumIssued(
            id=medium_id(number), number=number, chip=f"chip-{number}", kind="card", facility=self.facility
        )
        return self.sold(chance, at, medium.id, media=(medium,), deposit=DEPOSIT)

    def top_up(self, chance: Random, at: datetime) -> Operation | None:
        """Another points ticket on a card that is known here, whoever issued it."""
        medium = self._any(chance, "entitlements.Medium")
        return None if medium is None else self.sold(chance, at, medium["id"])

    def sold(
        self,
        chance: Random,
        at: datetime,
        medium: UUID,
        *,
        media: tuple[MediumIssued, ...] = (),
        deposit: int = 0,
        operator: UUID | None = None,
        till: UUID | None = None,
    ) -> Sold:
        """Return the sale of a points ticket; `operator` and `till` for sales that name the wrong ones."""
        key = f"{self.code}:{chance.getrandbits(64)}"
        at = instant(at)
        sequence = chance.getrandbits(30)
        ticket = EntitlementIssued(
            id=self._made(at, key, "ticket"), medium=medium, product=self.product, product_code="points-30",
            kind="points", category="adult", operator=operator or self.operator, sales_point=till or self.till,
            facility=self.facility, currency=CURRENCY, price=PRICE, list_price=PRICE, time_zone=ZONE,
            validity=FOR_EVER, points=POINTS,
        )  # fmt: skip
        vat = PRICE * VAT_BP // (10_000 + VAT_BP)
        taken = (
            (DepositTaken(id=self._made(at, key, "deposit"), medium=medium, facility=self.facility, amount=deposit, currency=CURRENCY),)
            if deposit
            else ()
        )  # fmt: skip
        account = AccountOpened(
            id=points_account(ticket.id), owner=ticket.id, purpose="points", unit="points", overdraft=0
        )
        paid = house_account(self.facility, "card_payments", CURRENCY)
        money = allocate(
            [(paid, PRICE + deposit)], earned(self.facility, CURRENCY, gross=PRICE, vat=vat, deposit=deposit), CURRENCY
        )
        issued = house_account(self.facility, "points_issued", "points")
        return Sold(
            order=self._made(at, key, "order"), number=f"{self.code}/{sequence}", sequence=sequence,
            facility=self.facility, sales_point=till or self.till, operator=operator or self.operator,
            currency=CURRENCY, total=PRICE,
            lines=(
                Line(
                    id=self._made(at, key, "line"), product=self.product, product_code="points-30", category="adult",
                    unit_price=PRICE, amount=PRICE, vat_bp=VAT_BP, vat=vat, entitlement=ticket.id,
                ),
            ),
            payments=(Payment(kind="card", amount=PRICE + deposit),),
            media=media, entitlements=(ticket,), deposits=taken, accounts=(account,),
            transfers=(
                *money,
                Transfer(source=issued, target=account.id, amount=POINTS, unit="points", n=len(money)),
            ),
        )  # fmt: skip

    def pass_gate(self, chance: Random, at: datetime) -> Operation | None:
        """Somebody with points left, as far as is known here, and no block goes through the gate."""
        ticket = self._any(chance, "entitlements.Entitlement")
        if ticket is None or self._blocked(ticket["medium"]):
            return None
        account = self.server.rows("accounts.Account")[points_account(ticket["id"]),]
        left = account["balance"] - account["reserved"]
        if left <= 0:
            return None
        # Gates that take much: what two places spend at once soon exceeds what is there.
        return self.passed(chance, at, ticket, min(left, chance.choice((4, 10, 30))))

    def passed(self, chance: Random, at: datetime, ticket: Row, points: int) -> Passed:
        """Return a passage on a ticket that takes so many points."""
        taken = house_account(self.facility, "points_taken", "points")
        first = ticket["activated_at"] is None
        return Passed(
            passage=Passage(
                id=self._new(at, chance, "passage"), gate=self.gate,
                facility=self.facility, medium=ticket["medium"], entitlement=ticket["id"], direction="in",
                points=points, weight=1_000_000,
            ),
            transfers=(Transfer(source=points_account(ticket["id"]), target=taken, amount=points, unit="points"),),
            activated=Activated(id=ticket["id"], valid_from=instant(at)) if first else None,
            day_used=DayUsed(id=ticket["id"], day=at.date()),
        )  # fmt: skip

    def grant(self, chance: Random, at: datetime) -> Operation | None:
        """The gate opens and waits for the turn; the points are reserved."""
        ticket = self._any(chance, "entitlements.Entitlement")
        if ticket is None or self._blocked(ticket["medium"]):
            return None
        account = self.server.rows("accounts.Account")[points_account(ticket["id"]),]
        if account["balance"] - account["reserved"] < 4:
            return None
        grant, until = (
            self._new(at, chance, "grant"),
            at + timedelta(seconds=15),
        )
        taken = house_account(self.facility, "points_taken", "points")
        return Granted(
            grant=grant, gate=self.gate, facility=self.facility, medium=ticket["medium"], entitlement=ticket["id"],
            direction="in", points=4, weight=1_000_000, expires_at=until, by="only_one",
            reserved=Reserved(
                id=grant, source=account["id"], target=taken, amount=4, unit="points", expires_at=until
            ),
        )  # fmt: skip

    def turn(self, chance: Random, at: datetime) -> Operation | None:
        """Somebody goes through, or nobody does: what was reserved is drawn, or free again."""
        waiting = [
            row
            for row in self.server.rows("access.Grant").values()
            if row["facility"] == self.facility and row["outcome"] in (None, "")
        ]
        if not waiting:
            return None
        grant = chance.choice(waiting)
        source = points_account(grant["entitlement"])
        went = chance.random() < 0.7
        ended = ReservationEnded(id=grant["id"], source=source, amount=grant["points"], posted=went)
        if not went:
            return NotTaken(grant=grant["id"], ended=ended)
        taken = house_account(self.facility, "points_taken", "points")
        return Taken(
            grant=grant["id"],
            passage=Passage(
                id=grant["id"], gate=self.gate, facility=self.facility, medium=grant["medium"],
                entitlement=grant["entitlement"], direction="in", points=grant["points"], weight=grant["weight"],
            ),
            ended=ended,
            transfers=(Transfer(source=source, target=taken, amount=grant["points"], unit="points"),),
        )  # fmt: skip

    def load(self, chance: Random, at: datetime) -> Operation | None:
        """Money is put on a card, held by this facility."""
        medium = self._any(chance, "entitlements.Medium")
        return None if medium is None else self.loaded(chance, at, medium)

    def loaded(self, chance: Random, at: datetime, medium: Row) -> Loaded:
        """Return the load of a medium with twenty złoty."""
        account = stored_account(medium["id"], medium["issue"], self.facility, "money", CURRENCY)
        paid = house_account(self.facility, "card_payments", CURRENCY)
        return Loaded(
            load=MoneyLoaded(
                id=self._new(at, chance, "load"), medium=medium["id"],
                facility=self.facility, currency=CURRENCY, money=20_00,
            ),
            sales_point=self.till,
            stored=(
                StoredAccount(
                    account=account, medium=medium["id"], issue=medium["issue"], facility=self.facility, kind="money",
                    currency=CURRENCY,
                ),
            ),
            accounts=(AccountOpened(id=account, owner=medium["id"], purpose="money", unit=CURRENCY, overdraft=0),),
            transfers=(Transfer(source=paid, target=account, amount=20_00, unit=CURRENCY),),
        )  # fmt: skip

    def charge(self, chance: Random, at: datetime) -> Operation | None:
        """A card is charged for something, from money that this or another facility holds."""
        accounts = self.server.rows("accounts.Account")
        pockets = [
            row for row in self.server.rows("accounts.Stored").values() if accounts[row["account"],]["balance"] > 0
        ]
        if not pockets:
            return None
        pocket = chance.choice(pockets)
        amount = min(accounts[pocket["account"],]["balance"], chance.choice((3_00, 15_00, 20_00)))
        sources, between = [(pocket["account"], amount)], []
        if pocket["facility"] != self.facility:
            owed, due = (house_account(holder, "stored", CURRENCY) for holder in (pocket["facility"], self.facility))
            between = [Transfer(source=pocket["account"], target=owed, amount=amount, unit=CURRENCY)]
            sources = [(due, amount)]
        targets = earned(self.facility, CURRENCY, gross=amount, vat=0, deposit=0)
        charge = self._new(at, chance, "charge")
        return Charged(
            id=charge, medium=pocket["medium"], facility=self.facility, sales_point=self.till, currency=CURRENCY,
            amount=amount,
            drawn=(
                MoneyDrawn(
                    charge=charge, n=0, medium=pocket["medium"], facility=self.facility, held_by=pocket["facility"],
                    currency=CURRENCY, money=amount,
                ),
            ),
            transfers=(*between, *allocate(sources, targets, CURRENCY, first=len(between))),
        )  # fmt: skip

    def block(self, chance: Random, at: datetime) -> Operation | None:
        """A card is reported lost."""
        medium = self._any(chance, "entitlements.Medium")
        if medium is None:
            return None
        block = self._new(at, chance, "block")
        return Blocked(block=MediumBlocked(block=block, medium=medium["id"], code="lost"), sales_point=self.till)

    def unblock(self, chance: Random, at: datetime) -> Operation | None:
        """It turned up: exactly that block is lifted, perhaps by two places at once."""
        lifted = {(row["block"],) for row in self.server.rows("entitlements.Lift").values()}
        blocks = [row for key, row in self.server.rows("entitlements.Block").items() if key not in lifted]
        if not blocks:
            return None
        block = chance.choice(blocks)
        return Unblocked(lift=MediumUnblocked(block=block["id"], medium=block["medium"]), sales_point=self.till)

    def hand_in(self, chance: Random, at: datetime) -> Operation | None:
        """A card is handed in, here or elsewhere than where its deposit was taken, and the deposit paid out."""
        back = {(row["deposit"],) for row in self.server.rows("entitlements.DepositBack").values()}
        kept = [row for key, row in self.server.rows("entitlements.Deposit").items() if key not in back]
        if not kept:
            return None
        deposit = chance.choice(kept)
        if self.server.rows("entitlements.Medium")[deposit["medium"],]["state_at"] >= instant(at):
            return None
        owed = earned(self.facility, CURRENCY, gross=0, vat=0, deposit=deposit["amount"])
        paid_from = house_account(self.facility, "card_payments", CURRENCY)
        return Returned(
            id=self._new(at, chance, "return"), facility=self.facility,
            sales_point=self.till, operator=self.operator, currency=CURRENCY, refund=deposit["amount"],
            refund_kind="card", media=(MediumReturned(id=deposit["medium"], facility=self.facility),),
            deposits=(
                DepositReturned(
                    id=deposit["id"], medium=deposit["medium"], facility=self.facility, amount=deposit["amount"],
                    currency=CURRENCY,
                ),
            ),
            transfers=tuple(allocate(owed, [(paid_from, deposit["amount"])], CURRENCY)),
        )  # fmt: skip

    def open_shift(self, chance: Random, at: datetime) -> Operation:
        """A drawer is opened."""
        shifts = [row for row in self.server.rows("orders.Shift").values() if row["facility"] == self.facility]
        sequence = 1 + max((row["sequence"] for row in shifts), default=0)
        return ShiftOpened(
            shift=self._new(at, chance, "shift"), facility=self.facility,
            sales_point=self.till, operator=self.operator, currency=CURRENCY, float_minor=100_00, sequence=sequence,
            operator_sequence=sequence,
        )  # fmt: skip

    def close_shift(self, chance: Random, at: datetime) -> Operation | None:
        """The drawer is counted: a house matter, of which others see only that it happened."""
        shifts = [
            row
            for row in self.server.rows("orders.Shift").values()
            if row["facility"] == self.facility and row["closed_at"] is None
        ]
        return ShiftClosed(shift=shifts[0]["id"], expected=100_00, counted=99_50) if shifts else None

    def _any(self, chance: Random, label: str) -> Row | None:
        rows = self.server.rows(label)
        return rows[chance.choice(list(rows))] if rows else None

    def _blocked(self, medium: UUID) -> bool:
        return bool(self.server.rows("entitlements.Medium")[medium,]["blocks"])
