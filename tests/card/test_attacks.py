"""A server that says what is not its to say is stopped at that very entry, named, and does nobody else any harm."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest
from django.db import connection

from karnet.access.operations import GateTerms, Passage, Passed, TermsSet
from karnet.access.services import Verdict
from karnet.accounts.operations import Transfer, house_account
from karnet.entitlements.operations import MediumIssued
from karnet.entitlements.rules import medium_id
from karnet.journal import arrivals
from karnet.journal.applying import apply_all
from karnet.journal.operations import (
    ActorEnrolled,
    ActorRetired,
    Entry,
    Received,
    decode_entry,
    encode_entry,
    entry_head,
    operation,
)
from karnet.journal.operations import Operation as Body
from karnet.journal.rules.arrivals import ActorView, Log, Made, Place, claims_of, judge
from karnet.journal.tlog.checkpoint import Checkpoint, sign_checkpoint
from karnet.journal.tlog.merkle import leaf_hashes
from karnet.journal.tlog.tiles import TileBuilder
from karnet.kernel.ids import derived_id, named_id
from karnet.orders.operations import Returned, Sold
from karnet.parties.operations import Facility, FacilityEnrolled, operator_id
from tests.card.conftest import MORNING, Server, carry, deliver, facts

pytestmark = pytest.mark.database

LATER = MORNING + timedelta(days=1)


class Forger:
    """Signs whatever it likes in the name of a server whose key it has, after what that server had sealed."""

    def __init__(self, server: Server) -> None:
        self.server = server
        with server:
            server.seal()
            with connection.cursor() as cursor:
                cursor.execute("SELECT size FROM journal_tree WHERE origin_id = 1")
                (size,) = cursor.fetchone()
            self.entries = [kept.data for kept in arrivals.kept_entries(server.name, 0, size)]
        self._serial = 0

    def entry(self, body: Body, actor: UUID | None = None, **changes: Any) -> bytes:
        self._serial += 1
        identity = derived_id(MORNING, f"forged {self.server.name} {self._serial}")
        given = {"id": identity, "at": MORNING, "actor": actor or self.server.server, **changes}
        return encode_entry(Entry(body=body, **given))

    def send(self, target: Server, *forged: bytes) -> None:
        """Bring the true entries and then the forged ones to a server, signed, and let it apply."""
        entries = [*self.entries, *forged]
        builder = TileBuilder()
        builder.append(leaf_hashes(entries))
        key = self.server.key
        note = sign_checkpoint(Checkpoint(key.name, builder.size, builder.root()), key)
        with target:
            arrivals.join_log(self.server.name, self.server.vkey, MORNING)
            deliver(self.server, 0, entries, [], note)
            apply_all(lambda: MORNING)


def the_sale(server: Server) -> Sold:
    """A true sale of the server's, to be copied."""
    from karnet.journal.selectors import entries_after

    with server:
        server.sold("DAY", f"{server.code}-1")
        return next(r.entry.body for r in entries_after(0) if isinstance(r.entry.body, Sold) and r.origin == 1)


def new_sale(sale: Sold, number: str, **changes: Any) -> Sold:
    """The sale of another card: every id is new."""
    replace, card = msgspec.structs.replace, medium_id(number)
    ticket = replace(sale.entitlements[0], id=derived_id(MORNING, f"ticket {number}"), medium=card)
    ticket = replace(ticket, **{name: value for name, value in changes.items() if hasattr(ticket, name)})
    sale = replace(
        sale,
        order=derived_id(MORNING, f"order {number}"),
        number=f"K1-{number}",
        sequence=900 + len(number),
        lines=tuple(replace(line, id=derived_id(MORNING, f"line {number}")) for line in sale.lines),
        media=(replace(sale.media[0], id=card, number=number, chip=number),),
        entitlements=(ticket,),
        deposits=tuple(replace(d, id=derived_id(MORNING, f"deposit {number}"), medium=card) for d in sale.deposits),
    )
    return replace(sale, **changes)


Forge = Callable[[Forger, Server, Server, Sold], bytes]


def _passage(forger: Forger, south: Server, north: Server, sale: Sold) -> bytes:
    taken = Passage(
        id=derived_id(MORNING, "passage"), gate=north.gate, facility=north.facility, medium=sale.media[0].id,
        entitlement=sale.entitlements[0].id, direction="in", points=0, weight=1,
    )  # fmt: skip
    return forger.entry(Passed(passage=taken))


def _enrolment(forger: Forger, south: Server, north: Server, sale: Sold) -> bytes:
    actor = ActorEnrolled(id=named_id("operator", north.facility, "eve"), kind="operator", parent=north.facility)
    from karnet.parties.operations import Operator, OperatorEnrolled

    return forger.entry(
        OperatorEnrolled(actor=actor, operator=Operator(id=actor.id, facility=north.facility, code="eve"))
    )


def _gate_by_anothers_name(forger: Forger, south: Server, north: Server, sale: Sold) -> bytes:
    """Before north enrols its cashier Bob, south has a gate of his id."""
    from karnet.access.operations import Gate, GateEnrolled

    bob = operator_id(north.facility, "bob")
    actor = ActorEnrolled(id=bob, kind="device", parent=south.facility)
    return forger.entry(GateEnrolled(actor=actor, gate=Gate(id=bob, facility=south.facility, code="G", direction="in")))


def _terms_of_others(forger: Forger, south: Server, north: Server, sale: Sold) -> bytes:
    """South alone decides what a passage at north's gate weighs."""
    terms = (GateTerms(gate=north.gate, points=0, weight=0),)
    return forger.entry(TermsSet(agreement=UUID(int=3), valid_from=MORNING, valid_until=LATER, terms=terms))


def _terms_without_text(forger: Forger, south: Server, north: Server, sale: Sold) -> bytes:
    """Terms that wait for signatures, put there before the text that they are of."""
    terms = (GateTerms(gate=north.gate, points=0, weight=0),)
    body = TermsSet(agreement=UUID(int=3), valid_from=MORNING, valid_until=LATER, terms=terms, signatures=2)
    return forger.entry(body)


def _facility_again(forger: Forger, south: Server, north: Server, sale: Sold) -> bytes:
    actor = ActorEnrolled(id=north.facility, kind="facility", parent=south.server)
    place = Facility(id=north.facility, code=north.code, currency="PLN", time_zone="Europe/Warsaw")
    return forger.entry(FacilityEnrolled(actor=actor, facility=place))


def _wrong_medium(forger: Forger, south: Server, north: Server, sale: Sold) -> bytes:
    sold = new_sale(sale, "S-2")
    other = MediumIssued(id=medium_id("S-3"), number="S-2", chip="S-2", kind="card", facility=south.facility)
    return forger.entry(msgspec.structs.replace(sold, media=(other,)), south.anna)


def _refund(forger: Forger, south: Server, north: Server, sale: Sold) -> bytes:
    """South takes back what north sold, and pays out nothing: north's customer is left without a ticket."""
    with north:
        theirs = the_sale(north)
    back = Returned(
        id=derived_id(MORNING, "return"), facility=south.facility, sales_point=south.till, operator=south.anna,
        currency="PLN", refund=0, refund_kind="cash", order=theirs.order, lines=tuple(line.id for line in theirs.lines),
    )  # fmt: skip
    return forger.entry(back, south.anna)


FORGERIES: dict[str, tuple[str, Forge]] = {
    "an actor of another server": ("foreign_actor", lambda f, s, n, sale: f.entry(ActorRetiring(n.anna), n.anna)),
    "an actor nobody enrolled": ("unknown_actor", lambda f, s, n, sale: f.entry(new_sale(sale, "S-2"), UUID(int=7))),
    "a sale by another server's cashier": (
        "foreign_actor",
        lambda f, s, n, sale: f.entry(new_sale(sale, "S-2", operator=n.anna), s.anna),
    ),
    "a sale at another server's till": (
        "foreign_actor",
        lambda f, s, n, sale: f.entry(new_sale(sale, "S-2", sales_point=n.till), s.anna),
    ),
    "a sale for another server's facility": (
        "foreign_actor",
        lambda f, s, n, sale: f.entry(new_sale(sale, "S-2", facility=n.facility), s.anna),
    ),
    "a cashier who is a gate": (
        "wrong_actor",
        lambda f, s, n, sale: f.entry(new_sale(sale, "S-2", operator=s.gate), s.anna),
    ),
    "a passage at another server's gate": ("foreign_actor", _passage),
    "somebody enrolled into another server": ("foreign_actor", _enrolment),
    "another server's facility made anew": ("foreign_actor", _facility_again),
    "somebody of another server enrolled as a gate": ("wrong_id", _gate_by_anothers_name),
    "terms for another server's gate": ("foreign_actor", _terms_of_others),
    "terms to sign without a text": ("wrong_terms", _terms_without_text),
    "another's retirement": ("foreign_actor", lambda f, s, n, sale: f.entry(ActorRetiring(n.anna))),
    "a medium with the id of another number": ("wrong_id", _wrong_medium),
    "a ticket sold before, sold again": (
        "refused_by_tables",
        lambda f, s, n, sale: f.entry(new_sale(sale, "S-2", entitlements=sale.entitlements), s.anna),
    ),
    "a refund of what another server sold": ("refused_by_tables", _refund),
    "a transfer from an account that is not there": (
        "refused_by_tables",
        lambda f, s, n, sale: f.entry(
            new_sale(
                sale,
                "S-2",
                transfers=(
                    Transfer(
                        source=UUID(int=9),
                        target=house_account(s.facility, "revenue", "PLN"),
                        amount=1,
                        unit="PLN",
                    ),
                ),
            ),
            s.anna,
        ),
    ),
    "its own log received": ("bad_sizes", lambda f, s, n, sale: f.entry(Received(sizes={s.name: 1}))),
    "no seller at all": (
        "garbled",
        lambda f, s, n, sale: f.entry(new_sale(sale, "S-2"), s.anna).replace(
            b'"operator":"' + str(s.anna).encode() + b'",', b"", 1
        ),
    ),
    "bytes that are no entry": ("garbled", lambda f, s, n, sale: b"{}"),
    "another spelling of an entry": (
        "garbled",
        lambda f, s, n, sale: f.entry(new_sale(sale, "S-2"), s.anna).replace(b'":', b'": '),
    ),
}


@operation("test.retiring")
class ActorRetiringOperation(Body, frozen=True, kw_only=True):
    actor: ActorRetired

    def parts(self) -> tuple[ActorRetired]:
        return (self.actor,)


def ActorRetiring(actor: UUID) -> ActorRetiringOperation:  # noqa: N802 (reads like the operation it makes)
    return ActorRetiringOperation(actor=ActorRetired(id=actor))


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_entry_is_named_and_nothing_of_it_or_after_it_is_applied(
    north: Server, south: Server, hub: Server, name: str
) -> None:
    code, forge = FORGERIES[name]
    sale = the_sale(south)
    forger = Forger(south)
    forged = forge(forger, south, north, sale)
    honest = forger.entry(new_sale(sale, "S-after"), south.anna)
    carry(north, hub)
    forger.send(hub, forged, honest)
    with hub:
        held = hub.held(south)
        assert held.quarantined is not None
        assert (held.quarantined.code, held.quarantined.index) == (code, len(forger.entries)), held.quarantined
        assert held.applied == len(forger.entries)
        assert held.size == len(forger.entries) + 2
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM entitlements_medium WHERE number IN ('S-2', 'S-after')")
            assert cursor.fetchone() == (0,)
    with north:  # the others go on
        north.sold("P10", "N-7")
    carry(north, hub)
    with hub:
        assert (hub.held(north).quarantined, hub.held(north).waiting) == (None, "")
        assert hub.held(north).applied == hub.held(north).size
    assert any("N-7" in row for row in facts(hub)["entitlements_medium"])


def test_ids_that_another_server_made_stop_the_thief_even_where_it_comes_first(
    north: Server, south: Server, hub: Server
) -> None:
    from karnet.journal.selectors import entries_after

    mine = the_sale(south)
    theirs = the_sale(north)
    with north:
        (entry,) = [r.entry.id for r in entries_after(0) if r.entry.body == theirs]
    forger = Forger(south)
    stolen = forger.entry(new_sale(mine, "S-2", order=theirs.order), south.anna)
    forger.send(hub, stolen)
    with hub:
        held = hub.held(south)
        assert held.quarantined is not None
        assert (held.quarantined.code, held.applied) == ("stolen_id", len(forger.entries))
    carry(north, hub)
    with hub:
        assert (hub.held(north).quarantined, hub.held(north).waiting) == (None, "")
        assert hub.held(north).applied == hub.held(north).size
    log = Log(south.name, south.server)
    everybody = ActorView("operator", south.facility, south.server)
    for body, changes in (
        (new_sale(mine, "S-3"), {"id": entry}),
        (new_sale(mine, "S-3", lines=theirs.lines), {}),
        (new_sale(mine, "S-3", entitlements=theirs.entitlements), {}),
        (new_sale(mine, "S-3", deposits=theirs.deposits), {}),
    ):
        forged = decode_entry(forger.entry(body, south.anna, **changes))
        claimed = [claim for claim in claims_of(forged, Place(log, 9)) if isinstance(claim, Made)]
        fault = judge(claimed, log, lambda actor: everybody)
        assert fault is not None
        assert fault.code == "stolen_id"


def test_another_servers_entries_replayed_as_ones_own_are_named(north: Server, south: Server, hub: Server) -> None:
    carry(north, hub)
    with north:
        echoed = [kept.data for kept in arrivals.kept_entries(north.name, 0, 3)]
    forger = Forger(south)
    forger.send(hub, *echoed)
    with hub:
        held = hub.held(south).quarantined
    assert held is not None
    assert (held.code, held.index) == ("not_founded", len(forger.entries))


def test_a_log_that_founds_another_is_named_at_its_first_entry(south: Server, north: Server, hub: Server) -> None:
    forger = Forger(south)
    with north:
        forger.entries = [kept.data for kept in arrivals.kept_entries(north.name, 0, 1)] or [b""]
        north.seal()
        forger.entries = [arrivals.kept_entries(north.name, 0, 1)[0].data]
    forger.send(hub)
    with hub:
        held = hub.held(south).quarantined
    assert held is not None
    assert (held.code, held.index) == ("not_founded", 0)


def test_a_released_log_is_tried_again_and_stays_on_record(north: Server, south: Server, hub: Server) -> None:
    """What stopped it may have been ours: here a table that was wrong, and was mended."""
    carry(north, hub, apply=False)
    from tests.card.conftest import superuser

    with superuser(hub) as attacker:
        attacker.execute("ALTER TABLE parties_operator ADD CONSTRAINT wrong CHECK (code <> 'anna') NOT VALID")
        with hub:
            apply_all(lambda: MORNING)
            held = hub.held(north).quarantined
            assert held is not None
            assert held.code == "refused_by_tables"
            assert "wrong" in held.detail
            apply_all(lambda: MORNING)
            assert hub.held(north).applied == held.index
        attacker.execute("ALTER TABLE parties_operator DROP CONSTRAINT wrong")
    with hub:
        later = MORNING + timedelta(hours=1)
        assert arrivals.release(north.name, later)
        apply_all(lambda: MORNING)
        assert hub.held(north).applied == hub.held(north).size
        ((notice, released),) = arrivals.quarantines()
        assert (notice.index, released) == (held.index, later)
        assert not arrivals.release(north.name, later)


def test_what_stands_before_a_bad_entry_goes_on_being_applied(north: Server, south: Server, hub: Server) -> None:
    """A fork is proven at an index; others may have applied, and rest on, everything below it."""
    count = carry(north, hub, apply=False)
    with hub:
        arrivals.quarantine(north.name, count - 2, "fork", "two notes", MORNING, b"evidence")
        apply_all(lambda: MORNING)
        assert hub.held(north).applied == count - 2
        arrivals.quarantine(north.name, count - 5, "fork", "two other notes", MORNING + timedelta(seconds=1))
        held = hub.held(north).quarantined
        assert held is not None
        assert held.index == count - 5, "the lowest counts"
        assert arrivals.release(north.name, MORNING + timedelta(hours=1))
        apply_all(lambda: MORNING)
        assert hub.held(north).applied == count


def test_of_a_suspended_log_nothing_is_applied_from_the_last_good_index_on(
    north: Server, south: Server, hub: Server
) -> None:
    count = carry(north, hub, apply=False)
    with hub:
        arrivals.suspend(north.name, count - 2)
        apply_all(lambda: MORNING)
        assert (hub.held(north).applied, hub.held(north).size) == (count - 2, count)
        arrivals.suspend(north.name, None)
        apply_all(lambda: MORNING)
        assert hub.held(north).applied == count


def test_a_kind_unknown_here_waits_for_a_newer_karnet(south: Server, hub: Server) -> None:
    forger = Forger(south)
    unknown = forger.entry(ActorRetiring(south.anna)).replace(b"test.retiring", b"test.tomorrow")
    newer = forger.entry(ActorRetiring(south.anna)).replace(b'"actor":{', b'"actor":{"why":1,', 1)
    assert entry_head(unknown).kind == "test.tomorrow"
    for entry in (unknown, newer):
        hub.empty()
        hub.open()
        forger.send(hub, entry)
        with hub:
            held = hub.held(south)
        assert held.quarantined is None
        assert held.waiting.startswith("needs a newer Karnet"), held
        assert held.applied == len(forger.entries)


def test_a_shared_content_that_did_not_come_is_missed(south: Server, hub: Server) -> None:
    forger = Forger(south)
    body = ActorRetiring(south.anna)
    identity = derived_id(MORNING, "hashed")
    entry = Entry(id=identity, at=MORNING, actor=south.server, body=body)
    forger.send(hub, encode_entry(entry, b"\x01" * 32))
    with hub:
        held = hub.held(south).quarantined
    assert held is not None
    assert held.code == "garbled"
    assert "did not come" in held.detail


def test_who_names_the_house_content_of_another_server_gets_nothing_of_it(north: Server, south: Server) -> None:
    """Its hash is known to all; the bytes behind it are at home, and are not read for anybody."""
    from karnet.orders.requests import MoveCash
    from karnet.orders.services import move_cash

    with north, connection.cursor() as cursor:
        cursor.execute("SELECT id FROM orders_shift")
        (shift,) = cursor.fetchone()
        move_cash([MoveCash(**north.asked(north.anna, MORNING), shift=shift, amount=5000)])
        cursor.execute("SELECT content FROM journal_operation WHERE content IS NOT NULL")
        digest = bytes(cursor.fetchone()[0])
    forger = Forger(south)
    entry = Entry(id=derived_id(MORNING, "hashed"), at=MORNING, actor=south.server, body=ActorRetiring(south.anna))
    forger.send(north, encode_entry(entry, digest))
    with north:
        held = north.held(south).quarantined
        assert held is not None
        assert "did not come" in held.detail
        assert all(kept.content is None for kept in arrivals.kept_entries(north.name, 0, 1000))


def test_what_only_the_home_server_may_do_is_refused_elsewhere_and_changes_nothing(
    north: Server, south: Server
) -> None:
    from karnet.entitlements.requests import Replace
    from karnet.entitlements.services import replace
    from karnet.kernel.outcomes import Refused
    from karnet.kernel.reasons import Reason
    from karnet.orders.requests import IssueInvoice
    from karnet.orders.services import issue_invoices

    with north:
        sale = north.sold("DAY", "N-1")
    carry(north, south)
    before = facts(south)
    with south:
        at = MORNING + timedelta(hours=3)
        asked = south.asked(south.anna, at)
        answers: list[Any] = [
            south.give_back(order=sale.order),
            *replace([Replace(**asked, old=medium_id("N-1"), new_number="S-9", sales_point=south.till)]),
            *issue_invoices([IssueInvoice(**south.asked(south.anna, at), order=sale.order, buyer=UUID(int=1))]),
        ]
    for answer in answers:
        assert isinstance(answer, Refused), answer
        assert (answer.reason, answer.facts["facility"]) == (Reason.HOME_ONLY, "NORTH")
    assert facts(south) == before
    with north:
        assert isinstance(north.scan("N-1"), Verdict | Refused)
        done = replace(
            [Replace(**north.asked(north.anna, at), old=medium_id("N-1"), new_number="N-2", sales_point=north.till)]
        )
        assert not isinstance(done[0], Refused), done
