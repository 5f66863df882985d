"""A refund of another server's sale: the customer gets the money where they stand, once, and the partners are even."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier
from typing import Any
from uuid import UUID

import msgspec
import pytest
from django.db import connection

from karnet.accounts.operations import CardTermsSet, house_account
from karnet.accounts.selectors import balances, books_balance
from karnet.entitlements.conflicts import conflicts
from karnet.entitlements.rules import medium_id
from karnet.entitlements.services import ReplaceAlone, replace_alone
from karnet.federation.away import ReplaceElsewhere, answer_ask, replace_elsewhere
from karnet.federation.core.asking import signed
from karnet.federation.core.messages import Asked
from karnet.federation.invoices import Invoice, InvoicedElsewhere, invoice_elsewhere
from karnet.federation.matters import matters
from karnet.federation.refunds import Refund, answer_payouts, refund_elsewhere
from karnet.federation.refusals import refused_acts
from karnet.journal import rebuilding
from karnet.journal.cuts import latest_cut
from karnet.kernel import canonical
from karnet.kernel.ids import named_id
from karnet.kernel.outcomes import Refused, refused
from karnet.kernel.reasons import Reason
from karnet.orders.elsewhere import disputed_refunds, pay_out, refunds_of, unpaid_refunds
from karnet.orders.requests import PayOut, TakenBack
from karnet.orders.rules.elsewhere import refund_id
from karnet.orders.selectors import orders, takings
from karnet.orders.tests.agreeing import Agreed
from karnet.parties.invoicing import company_id, save_seller
from karnet.parties.rules import CompanyDetails
from karnet.parties.selectors import companies
from karnet.parties.services import save_company
from karnet.settlement.rules.report import digest
from karnet.settlement.rules.statements import statement
from karnet.settlement.settling import settle
from karnet.wiring.cli.federation_watch import _between
from tests.card.conftest import EARLY, MORNING, Server, carry
from tests.card.test_agreement import propose, sign
from tests.card.test_asks import card

__all__ = ["card"]

pytestmark = pytest.mark.database

NOW = MORNING + timedelta(hours=3)


class Way:
    """The way from one server to another's, as the hub is it. `down`: nobody answers; `lost`: the answer is lost."""

    def __init__(self, asker: Server, home: Server) -> None:
        self.asker, self.home, self.down, self.lost, self.asked = asker, home, False, False, 0

    def __call__(
        self, facility: str, kind: str, key: str, body: object, answers: Any, *, now: datetime, wait_ms: int
    ) -> Any:
        if self.down:
            return refused(Reason.HOME_SILENT, facility=facility)
        self.asked += 1
        data = canonical.encode(body)
        bearing = signed(self.home.name, kind, key, data, now, self.asker.key)
        with self.home:
            told = answer_ask(
                Asked(asker=self.asker.name, kind=kind, key=key, body=data, bearing=bearing), self.home.name, now
            )
        if self.lost:
            return refused(Reason.HOME_SILENT, facility=facility)
        return msgspec.json.decode(told, type=answers | Refused)


@pytest.fixture
def way(card: None, north: Server, south: Server) -> Way:
    """NORTH sold a day ticket for 160.00 on the card `lost`; SOUTH's till asks NORTH's server."""
    return Way(south, north)


@pytest.fixture
def order(way: Way, south: Server) -> UUID:
    with south:
        return _orders()[0]


def _orders() -> list[UUID]:
    from karnet.orders.selectors import rows

    return [row[0] for row in rows("SELECT id FROM orders_order WHERE origin <> 1 ORDER BY at", [])]


def _lines(order: UUID) -> tuple[UUID, ...]:
    from karnet.orders.selectors import rows

    return tuple(row[0] for row in rows("SELECT id FROM orders_line WHERE order_id = %s ORDER BY n", [order]))


def _refund(south: Server, order: UUID, way: Way, key: str = "till:1", **changed: Any) -> TakenBack | Refused:
    asked = Refund(
        facility="NORTH", order=order, lines=_lines(order), operator=south.anna, sales_point=south.till, cards=("lost",)
    )
    return refund_elsewhere(
        msgspec.structs.replace(asked, **changed), key=key, now=NOW, at=NOW, wait_ms=0, ask=way
    )  # fmt: skip


def _in_drawer(server: Server) -> int:
    from karnet.orders.selectors import running_shifts

    found = takings(running_shifts([server.till])[server.till].id)
    assert found is not None
    return -found.paid_out.get("cash", 0)


def _refunds_account(server: Server) -> int:
    account = house_account(server.facility, "refunds", "PLN")
    return balances([account])[account].balance


def _limits(*servers: Server, refund: int = 0, replacements: int = 0, since: datetime = EARLY) -> None:
    """An agreement of NORTH and SOUTH lets so much be done alone; every server knows."""
    north = servers[0]
    terms = CardTermsSet(
        agreement=named_id("agreement", "limits", since), valid_from=since, valid_until=EARLY + timedelta(days=365),
        facilities=tuple(server.facility for server in servers), refund_minor=refund, replacements=replacements,
    )  # fmt: skip
    with north:
        north.do(Agreed(terms=terms))
    for other in servers[1:]:
        carry(north, other)


def test_the_money_goes_out_where_the_customer_stands_and_the_seller_owes_it(
    way: Way, order: UUID, north: Server, south: Server
) -> None:
    with south:
        before = _in_drawer(south)
        done = _refund(south, order, way)
        assert isinstance(done, TakenBack), done
        assert (done.refund, done.deposit) == (17000, 1000), "160.00 for the ticket, 10.00 for the card"
        assert _in_drawer(south) - before == -17000
        assert _refunds_account(south) == -16000, "SOUTH is owed what it paid"
        assert _refund(south, order, way) == done, "a repeat is told the same"
        assert (_in_drawer(south) - before, way.asked) == (-17000, 1), "and neither asks nor pays again"
        again = _refund(south, order, way, key="till:2", cards=())
        assert isinstance(again, Refused)
        assert again.reason is Reason.ALREADY_RETURNED
        assert not any(books_balance().values())
    carry(south, north)
    carry(north, south)
    with north:
        assert _refunds_account(north) == 16000, "NORTH owes it"
        assert [refund.paid for refund in refunds_of(order)] == [True]
        assert unpaid_refunds() == []
        own = north.give_back(order=order, minutes=400)
        assert own.reason is Reason.ALREADY_RETURNED, "nor does NORTH pay it again"
        assert not any(books_balance().values())
    with south:
        assert south.held(north).quarantined is None
        assert south.scan("lost", 300).reason is not None


def test_a_refund_that_was_let_and_not_paid_is_paid_without_asking_again(
    way: Way, order: UUID, north: Server, south: Server
) -> None:
    """SOUTH's server dies, or loses NORTH's answer, between the word and the money."""
    way.lost = True
    with south:
        silent = _refund(south, order, way)
        assert isinstance(silent, Refused)
        assert (silent.reason, _in_drawer(south)) == (Reason.HOME_SILENT, 0)
    way.lost = False
    with south:  # Another form, before NORTH's entry came: NORTH knows that it let SOUTH pay this out.
        done = _refund(south, order, way, key="till:2")
        assert isinstance(done, TakenBack), done
        assert (_in_drawer(south), way.asked) == (-17000, 2)
        assert _refund(south, order, way, key="till:3", cards=()).reason is Reason.ALREADY_RETURNED  # type: ignore[union-attr]
    carry(north, south)
    with south:
        assert [refund.paid for refund in refunds_of(order)] == [True]
        first = _refund(south, order, way, cards=())  # The first form again.
        assert isinstance(first, Refused)
        assert (first.reason, _in_drawer(south)) == (Reason.ALREADY_RETURNED, -17000)
    carry(south, north)
    with north:
        noted = refused_acts()
        assert [(act.act, act.reason) for act in noted] == [("refund", "home_silent")]
        assert all(act.done for act in noted), "both partners see that it was done since"


def test_what_the_seller_refuses_is_refused_and_both_partners_see_why(
    way: Way, order: UUID, north: Server, south: Server
) -> None:
    with north:
        north.scan("lost")
    with south:
        answer = _refund(south, order, way)
        assert isinstance(answer, Refused)
        assert (answer.reason, _in_drawer(south)) == (Reason.USED_CANNOT_RETURN, 0)
        euros = _refund(south, order, way, refund_kind="internal_account")
        assert isinstance(euros, Refused)
        assert (euros.reason, way.asked) == (Reason.BAD_VALUE, 1), "what the till cannot pay, nobody is asked for"
    carry(south, north)
    for server in (north, south):
        with server:
            (act,) = refused_acts()
            assert (act.act, act.reason, act.facility, act.home, act.done) == (
                "refund", "used_cannot_return", south.facility, north.facility, False,
            )  # fmt: skip
            assert act.called == "K1-000001"


def test_without_the_sellers_word_the_agreement_says_how_much(
    way: Way, order: UUID, north: Server, south: Server
) -> None:
    way.down = True
    with south:
        nothing = _refund(south, order, way)
        assert isinstance(nothing, Refused)
        assert nothing.reason is Reason.HOME_SILENT, "no agreement: nothing"
    _limits(north, south, refund=15999)
    with south:
        over = _refund(south, order, way, key="till:over")
        assert isinstance(over, Refused)
        assert over.reason is Reason.ALONE_LIMIT
        assert {"facility": "NORTH", "limit_minor": 15999, "left_minor": 15999}.items() <= over.facts.items()
        assert "since" in over.facts, "since when NORTH was not heard"
    _limits(north, south, refund=16000, since=EARLY + timedelta(days=1))
    with south:
        kept = _refund(south, order, way, key="till:2", cards=())
        assert isinstance(kept, Refused)
        assert (kept.reason, _in_drawer(south)) == (Reason.CARD_NEEDED_BACK, 0)
        done = _refund(south, order, way, key="till:3")
        assert isinstance(done, TakenBack), done
        assert _refund(south, order, way, key="till:3") == done
        way.down = False
        other = _refund(south, order, way, key="till:4", cards=())
        assert isinstance(other, Refused), "NORTH has not heard of it, SOUTH has"
        assert (other.reason, way.asked) == (Reason.ALREADY_RETURNED, 0)
        assert (done.refund, _in_drawer(south)) == (17000, -17000)
        assert isinstance(south.scan("lost", 300), Refused), "the card came back"
    carry(south, north)
    with north:
        assert answer_payouts(NOW) == 1
        assert answer_payouts(NOW) == 0, "once"
        assert _refunds_account(north) == 16000, "NORTH stands for it"
        assert north.give_back(order=order, minutes=400).reason is Reason.ALREADY_RETURNED
        assert disputed_refunds() == []


def test_a_refund_paid_twice_is_a_conflict_with_its_cause(way: Way, order: UUID, north: Server, south: Server) -> None:
    _limits(north, south, refund=16000)
    way.down = True
    with north:
        assert isinstance(north.give_back(order=order), TakenBack)
    with south:
        assert isinstance(_refund(south, order, way), TakenBack), "it cannot know"
    carry(south, north)
    with north:
        assert answer_payouts(NOW) == 1
        assert answer_payouts(NOW) == 0
    carry(north, south)
    for server in (north, south):
        with server:
            (dispute,) = disputed_refunds()
            assert (dispute.amount, dispute.reason, dispute.payer) == (16000, "already_returned", south.facility)
            assert (dispute.facility, dispute.document, len(dispute.operations)) == (north.facility, "K1-000001", 2)
            assert not any(books_balance().values())
            assert rebuilding.check().sound


def test_so_many_cards_a_day_are_replaced_alone_and_two_replacements_are_a_conflict(
    way: Way, order: UUID, north: Server, south: Server
) -> None:
    _limits(north, south, replacements=1)
    with north:
        north.sold("DAY", "lost too", minutes=70)
    carry(north, south)
    way.down = True

    def replaced(old: str, new: str, key: str) -> Any:
        asked = ReplaceElsewhere(
            facility="NORTH", old=medium_id(old), new_number=new, operator=south.anna, sales_point=south.till
        )
        return replace_elsewhere(asked, key=key, now=NOW, wait_ms=0, ask=way)

    with south:
        done = replaced("lost", "found", "till:1")
        assert not isinstance(done, Refused), done
        assert replaced("lost", "found", "till:1") == done
        over = replaced("lost too", "found too", "till:2")
        assert (over.reason, over.facts["limit"], over.facts["facility"]) == (Reason.ALONE_LIMIT, 1, "NORTH")
        assert "since" in over.facts, "since when NORTH was not heard"
        assert not isinstance(south.scan("found", 300), Refused)
    way.down = False
    with north:  # NORTH replaces the same card, not having heard.
        from karnet.entitlements.services import Replace, replace

        request = Replace(
            **north.asked(north.anna, MORNING + timedelta(hours=4)), old=medium_id("lost"), new_number="newest",
            sales_point=north.till,
        )  # fmt: skip
        assert not isinstance(replace([request])[0], Refused)
    carry(south, north)
    carry(north, south)
    for server in (north, south):
        with server:
            kinds = {conflict.kind: conflict for conflict in conflicts()}
            assert set(kinds) == {"replaced_twice", "deposit_returned"}
            twice = kinds["replaced_twice"]
            assert (twice.number, set(twice.facilities)) == ("lost", {north.facility, south.facility})
            assert len(twice.operations) == 2
            (act,) = refused_acts()
            assert (act.act, act.called, act.reason) == ("replacement", "lost too", "alone_limit")
            assert rebuilding.check().sound


def test_the_settlement_evens_out_refunds_that_one_paid_for_the_other(
    way: Way, order: UUID, north: Server, south: Server
) -> None:
    """By hand: NORTH takes 160.00 and a deposit of 10.00 for each of two cards. SOUTH pays 170.00 out for the first, with
    NORTH's word, and 170.00 for the second without, whose ticket NORTH has refunded itself. Who pays a second time bears
    it: NORTH owes 160.00 for the first ticket and 20.00 for two deposits. All that anybody collected was given back."""
    text = propose(north)
    carry(north, south)
    sign(south, text)
    sign(north, text)
    with north:
        again = north.sold("DAY", "second", minutes=65)
    _limits(north, south, refund=16000, since=EARLY + timedelta(days=50))
    with south:
        assert isinstance(_refund(south, order, way), TakenBack)
        way.down = True
        asked = {"lines": again.lines, "cards": ("second",)}
        with north:
            assert isinstance(north.give_back(order=again.order, minutes=70), TakenBack)
        assert isinstance(_refund(south, again.order, way, key="till:2", **asked), TakenBack), "it cannot know"
    carry(south, north)
    with north:
        assert answer_payouts(NOW) == 1
    carry(north, south)
    with north:
        cut = latest_cut()
    found = []
    for server in (north, south):
        with server:
            report = settle(cut, at=MORNING + timedelta(hours=9))
        assert not isinstance(report, Refused), report
        found.append(digest(report))
        one, other = report.facilities
        assert (one.code, one.collected, one.deposits, one.refunds, one.balance) == ("NORTH", 0, -2000, -16000, -18000)
        assert (other.deposits, other.refunds, other.disputed_refunds, other.balance) == (2000, 16000, 16000, 18000)
        assert [(due.debtor, due.creditor, due.amount) for due in report.payments] == [("NORTH", "SOUTH", 18000)]
        (side, _) = statement(report, "NORTH", "SOUTH").sides
        assert [(line.what, line.gross) for line in side.passing] == [("deposits", 2000), ("refunds", 16000)]
    assert len(set(found)) == 1


def test_what_stands_between_partners_is_listed_alike_at_both(
    way: Way, order: UUID, north: Server, south: Server
) -> None:
    """A refund that NORTH lets and SOUTH does not pay out, one that NORTH refuses, and what people read of them."""
    with north:
        used = north.sold("DAY", "used", minutes=65)
        north.scan("used")
    carry(north, south)
    way.lost = True
    with south:
        assert isinstance(_refund(south, order, way), Refused)
    way.lost = False
    with south:
        asked = {"lines": used.lines, "cards": ("used",)}
        assert isinstance(_refund(south, used.order, way, key="till:2", **asked), Refused)
    carry(north, south)
    carry(south, north)
    found = []
    for server in (north, south):
        with server:
            between = matters()
        found.append(between)
        (unpaid,) = between.unpaid
        assert (unpaid.seller, unpaid.payer, unpaid.amount, unpaid.number) == ("NORTH", "SOUTH", 16000, "K1-000001")
        assert [(act.number, act.reason, act.asked_at, act.asked_of, act.done) for act in between.refused] == [
            ("K1-000002", "used_cannot_return", "SOUTH", "NORTH", False),
            ("K1-000001", "home_silent", "SOUTH", "NORTH", True),
        ]
        assert between.conflicts == ()
    assert found[0] == found[1]
    told = "\n".join(_between(found[0]))
    assert "refund K1-000002 at SOUTH, asked of NORTH: This ticket has been used" in told
    assert "K1-000001 of NORTH: 160.00 PLN, by SOUTH" in told
    with south:
        asked_before, way.down = way.asked, True
        paid = _refund(south, order, way, key="till:3", cards=())
        assert isinstance(paid, TakenBack), "what NORTH let be paid needs no asking"
        assert (paid.refund, way.asked, matters().unpaid) == (16000, asked_before, ())


def test_an_invoice_of_anothers_sale_comes_from_the_sellers_series(
    way: Way, order: UUID, north: Server, south: Server
) -> None:
    buyer = CompanyDetails(name="School No 1", tax_number="5260250274", address="Main Street 1")
    other = CompanyDetails(name="School No 2", tax_number="7740001454", address="Side Street 2")
    asked = Invoice(
        facility="NORTH", order=order, buyer=company_id(buyer), operator=south.anna, sales_point=south.till
    )  # fmt: skip

    def invoiced(request: Invoice, key: str) -> InvoicedElsewhere | Refused:
        return invoice_elsewhere(request, key=key, now=NOW, at=NOW, wait_ms=0, ask=way)

    with north:
        mine = CompanyDetails(name="North Lifts", tax_number="5260250274", address="Hill 1")
        save_seller(north.facility, mine, EARLY)
    with south:
        for known in (buyer, other):
            save_company(company_id(known), known)
        done = invoiced(asked, "1")
        assert isinstance(done, InvoicedElsewhere), done
        assert (done.number, done.buyer, done.seller) == ("NORTH/2026/000001", company_id(buyer), mine)
        assert invoiced(asked, "1") == done
        assert invoiced(asked, "2") == done, "whoever names its buyer is told of it again"
        taken = invoiced(msgspec.structs.replace(asked, buyer=company_id(other)), "3")
        assert isinstance(taken, Refused)
        assert (taken.reason, taken.facts) == (Reason.ALREADY_INVOICED, {"invoice": "NORTH/2026/000001"})
    carry(north, south)
    carry(south, north)
    with north:
        assert companies([company_id(buyer)]) == {company_id(buyer): buyer}, "the seller keeps what its invoice says"
        assert companies([company_id(other)]) == {}
    for server in (north, south):
        with server, connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM journal_operation WHERE convert_from(data, 'utf8') LIKE '%School%'")
            assert cursor.fetchone() == (0,), "nobody's name is in the record"
    with south:
        known = orders([order])[order]
        assert (known.invoice, [act.act for act in refused_acts()]) == ("NORTH/2026/000001", ["invoice"])


def test_at_two_tills_at_once_a_refund_is_paid_once_and_the_days_limit_holds(
    way: Way, order: UUID, north: Server, south: Server
) -> None:
    _limits(north, south, replacements=1)
    with north:
        north.sold("DAY", "lost too", minutes=70)
    carry(north, south)
    paying = PayOut(
        key="pay", at=NOW, actor=south.anna, sales_point=south.till, refund=refund_id(south.till, "x"), order=order,
        lines=_lines_of(south, order), home=north.facility, currency="PLN", amount=16000,
    )  # fmt: skip
    replacing = ReplaceAlone(
        key="replace", at=NOW, actor=south.anna, old=medium_id("lost"), new_number="new", sales_point=south.till
    )

    def pay(n: int) -> object:
        return pay_out([msgspec.structs.replace(paying, key=f"pay {n}")])[0]

    def replace(n: int) -> object:
        old, new = (medium_id("lost"), "new") if n % 2 else (medium_id("lost too"), "new too")
        return replace_alone([msgspec.structs.replace(replacing, key=f"replace {n}", old=old, new_number=new)])[0]

    with south:
        paid, replaced = _at_once(pay), _at_once(replace)
        assert [type(answer) for answer in paid].count(TakenBack) == 1
        assert {answer.reason for answer in paid if isinstance(answer, Refused)} == {Reason.ALREADY_RETURNED}
        assert _in_drawer(south) == -16000
        assert sum(not isinstance(answer, Refused) for answer in replaced) == 1
        assert not any(books_balance().values())


def _at_once(act: Callable[[int], object], n: int = 4) -> list[object]:
    """Do something in as many threads at one moment."""
    gate = Barrier(n)

    def one(place: int) -> object:
        gate.wait()
        try:
            return act(place)
        finally:
            connection.close()

    with ThreadPoolExecutor(n) as pool:
        return list(pool.map(one, range(n)))


def _lines_of(server: Server, order: UUID) -> tuple[UUID, ...]:
    with server:
        return _lines(order)
