"""Reading passes. Nothing asked at a till, gate or page reads more of a pass's history than its own statement."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date, datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID

import msgspec

from karnet.accounts.rules import Book
from karnet.accounts.selectors import balances
from karnet.entitlements.rules import MediumState, medium_id, usable_medium
from karnet.entitlements.selectors import media, medium_ids_by_chip
from karnet.kernel.outcomes import Refused, refused
from karnet.kernel.reasons import Reason
from karnet.orders.selectors import rows, rows_at_once
from karnet.parties.selectors import facilities
from karnet.passes.kinds import PassKind, PurseUnit
from karnet.passes.operations import CREDITS, purse_account
from karnet.passes.rules.state import InstalmentState, PassState, admits, pays
from karnet.passes.rules.wallets import Hold, Wallet


def kinds(ids: Collection[UUID]) -> dict[tuple[UUID, str], PassKind]:
    """Return the kinds of passes that facilities offer, by (facility, code): of each code the version set last."""
    found = rows(
        "SELECT DISTINCT ON (facility, code) facility, code, definition FROM passes_kind WHERE facility = ANY(%b::uuid[])"
        " ORDER BY facility, code, at DESC, number DESC",
        [list(ids)],
    )
    return {(facility, code): _kind(bytes(definition)) for facility, code, definition in found}


def kinds_offered(facility: UUID) -> list[PassKind]:
    """Return the kinds of passes that a facility offers, by code."""
    return list(kinds([facility]).values())


_kind = msgspec.json.Decoder(PassKind).decode

_CARDS = (
    # Which passes a card has: its own, and those of the cards that it replaced. A replaced card is never given out again.
    "WITH RECURSIVE card(read, medium, issue, depth) AS ("
    " SELECT id, id, issue, 0 FROM entitlements_medium WHERE id = ANY(%b::uuid[])"
    " UNION ALL SELECT c.read, o.id, o.issue, c.depth + 1 FROM card c"
    " JOIN passes_replacement r ON r.new = c.medium AND r.new_issue = c.issue"
    " JOIN entitlements_medium o ON o.id = r.old WHERE c.depth < 50)"
    " SELECT DISTINCT ON (c.read, p.facility_id) c.read, p.facility_id, p.id FROM card c"
    " JOIN passes_pass p ON p.medium = c.medium AND p.issue = c.issue ORDER BY c.read, p.facility_id, c.depth"
)


class OnCards(NamedTuple):
    """Passes by what was read: `found` by (text, facility), and why a card counts for nothing, by text."""

    found: dict[tuple[str, UUID], UUID]
    unusable: dict[str, Refused]

    def get(self, text: str, facility: UUID | None) -> UUID | Refused | None:
        """Return the pass at a facility, why its card counts for nothing, or None where there is no pass."""
        found = self.found.get((text, facility)) if facility is not None else None
        return None if found is None else self.unusable.get(text, found)

    @property
    def ids(self) -> set[UUID]:
        """All passes found."""
        return set(self.found.values())


def on_cards(read: Collection[str]) -> OnCards:
    """Return the passes on cards, by printed number or chip."""
    if not read:
        return OnCards({}, {})
    by_chip = medium_ids_by_chip(read)
    known = media({*by_chip.values(), *(medium_id(text) for text in read)})
    meant = {text: known.get(medium_id(text)) or known.get(by_chip.get(text, medium_id(text))) for text in read}
    texts: dict[UUID, list[str]] = {}
    for text, medium in meant.items():
        if medium is not None:
            texts.setdefault(medium.id, []).append(text)
    found = {
        (text, facility): pass_
        for medium, facility, pass_ in rows(_CARDS, [list(texts)])
        for text in texts[medium]
    }  # fmt: skip
    unusable = {text: wrong for text, medium in meant.items() if medium and (wrong := usable_medium(medium))}
    return OnCards(found, unusable)


def lock_passes(ids: Collection[UUID]) -> None:
    """Lock passes, in the order of their ids, until the transaction ends: their accounts, holds and terms with them."""
    if ids:
        rows("SELECT 1 FROM passes_pass WHERE id = ANY(%b::uuid[]) ORDER BY id FOR NO KEY UPDATE", [list(ids)])


_CURRENT = (
    "WITH RECURSIVE card(pass, medium, issue, depth) AS ("
    " SELECT id, medium, issue, 0 FROM passes_pass WHERE id = ANY(%b::uuid[])"
    " UNION ALL SELECT c.pass, r.new, r.new_issue, c.depth + 1 FROM card c"
    " JOIN entitlements_medium o ON o.id = c.medium AND o.issue = c.issue"
    " JOIN passes_replacement r ON r.old = c.medium WHERE c.depth < 50)"
    " SELECT DISTINCT ON (pass) pass, medium, issue FROM card ORDER BY pass, depth DESC"
)


def wallets(ids: Collection[UUID]) -> dict[UUID, Wallet]:
    """Return passes with all that is on them; unknown ids are left out. To decide by them, hold their locks."""
    if not ids:
        return {}
    wanted = [list(ids)]
    found, cards, blocks, parts, held = rows_at_once(
        (
            "SELECT id, facility_id, kind, at, good_at IS NOT NULL, good_until, runs_until, greatest(good_at, runs_at)"
            " FROM passes_pass WHERE id = ANY(%b::uuid[])",
            wanted,
        ),
        (_CURRENT, wanted),
        (
            "SELECT of, id, code FROM passes_block WHERE of = ANY(%b::uuid[]) AND lifted_at IS NULL ORDER BY of, at, id",
            wanted,
        ),
        (
            "SELECT of, id, n, due_on, amount, paid_at IS NOT NULL FROM passes_instalment WHERE of = ANY(%b::uuid[])"
            " ORDER BY of, n",
            wanted,
        ),
        (
            "SELECT of, holder, id, account, amount FROM passes_hold WHERE of = ANY(%b::uuid[]) AND over_at IS NULL"
            " ORDER BY of, holder, id",
            wanted,
        ),
    )
    places = facilities({row[1] for row in found})
    offered = kinds({row[1] for row in found})
    now = {pass_: (medium, issue) for pass_, medium, issue in cards}
    on = media({medium for medium, _ in now.values()})
    stood, agreed, holds = _grouped(blocks), _grouped(parts), _grouped(held)
    states = []
    for id_, facility, kind, at, topped, good_until, runs_until, changed_at in found:
        medium, issue = now[id_]
        card = on[medium]
        states.append(
            PassState(
                id=id_, facility=facility, kind=kind, number=card.number, medium=medium,
                currency=places[facility].currency, time_zone=places[facility].time_zone, sold_at=at, topped=topped,
                good_until=good_until, runs_until=runs_until, changed_at=changed_at, lost=_lost(card, issue),
                blocks=tuple((block, code) for _, block, code in stood.get(id_, ())),
                instalments=tuple(
                    InstalmentState(id=one, n=n, due_on=due, amount=amount, paid=paid)
                    for _, one, n, due, amount, paid in agreed.get(id_, ())
                ),
            )
        )  # fmt: skip
    accounts = {
        purse_account(state.id, purse.code, purse.unit, state.currency)
        for state in states
        for purse in offered[state.facility, state.kind].purses
    }
    book = Book(balances(accounts))
    return {
        state.id: Wallet(state, offered[state.facility, state.kind], book, _holds(holds.get(state.id, ())))
        for state in states
    }


def _lost(card: MediumState, issue: int) -> Refused | None:
    if card.issue != issue:
        return refused(Reason.MEDIUM_RETURNED, number=card.number)
    return usable_medium(card)


def _holds(found: Iterable[tuple[Any, ...]]) -> dict[UUID, list[Hold]]:
    made: dict[UUID, list[Hold]] = {}
    for _, holder, id_, account, amount in found:
        made.setdefault(holder, []).append(Hold(id=id_, account=account, amount=amount))
    return made


def cards_taken(media_ids: Collection[UUID]) -> set[tuple[UUID, int, UUID]]:
    """Return (medium, issue, facility) for the passes on media, those that came to them from replaced cards too."""
    return {
        (medium, issue, facility)
        for medium, issue, facility in rows(
            f"SELECT f.read, m.issue, f.facility_id FROM ({_CARDS}) f JOIN entitlements_medium m ON m.id = f.read",
            [list(media_ids)],
        )
    }


class PurseView(msgspec.Struct, frozen=True, kw_only=True):
    """A purse of a pass: what is in it, what of that is held, what may be drawn. Minor units, or credits."""

    code: str
    unit: PurseUnit
    bonus: bool
    balance: int
    held: int
    available: int


class PassView(msgspec.Struct, frozen=True, kw_only=True):
    """A pass at a glance, for people. `refused`: why it pays nothing, or nobody comes in on it, if so.

    `due`: the instalments to be paid, the first due first, (day, minor units).
    """

    id: UUID
    facility: UUID
    number: str
    kind: PassKind
    currency: str
    time_zone: str
    sold_at: datetime
    purses: tuple[PurseView, ...]
    good_until: datetime | None = None
    runs_until: datetime | None = None
    blocks: tuple[str, ...] = ()
    due: tuple[tuple[date, int], ...] = ()
    refused: Refused | None = None

    @property
    def money_minor(self) -> int:
        """What may be drawn of money and bonus money together, minor units."""
        return sum(purse.available for purse in self.purses if purse.unit == "money")


def passes(ids: Collection[UUID], at: datetime) -> dict[UUID, PassView]:
    """Return passes at a glance; unknown ids are left out."""
    return {id_: view(wallet, at) for id_, wallet in wallets(ids).items()}


def pass_by_number(text: str, facility: UUID, at: datetime) -> PassView | None:
    """Return a facility's pass on the card with this printed number or chip, as it is at an instant."""
    on = on_cards([text])
    found = on.found.get((text, facility))
    if found is None:
        return None
    seen = passes([found], at)[found]
    return msgspec.structs.replace(seen, refused=on.unusable[text]) if text in on.unusable else seen


def view(wallet: Wallet, at: datetime) -> PassView:
    """Return a pass at a glance."""
    state, kind = wallet.state, wallet.kind
    held = {
        purse.code: wallet.book[wallet.account(purse)] for purse in kind.purses if wallet.account(purse) in wallet.book
    }
    return PassView(
        id=state.id, facility=state.facility, number=state.number, kind=kind, currency=state.currency,
        time_zone=state.time_zone, sold_at=state.sold_at, good_until=state.good_until, runs_until=state.runs_until,
        blocks=tuple(code for _, code in state.blocks), due=tuple((one.due_on, one.amount) for one in state.unpaid),
        refused=admits(state, kind, at) or pays(state),
        purses=tuple(
            PurseView(
                code=purse.code, unit=purse.unit, bonus=purse.bonus, available=wallet.free(purse, at),
                balance=held[purse.code].balance if purse.code in held else 0,
                held=held[purse.code].reserved if purse.code in held else 0,
            )
            for purse in kind.purses
        ),
    )  # fmt: skip


LineKind = Literal["top_up", "bonus", "paid", "back", "expired", "credits"]


class PassLine(msgspec.Struct, frozen=True, kw_only=True):
    """What came onto a pass or went off it at once, of money (bonus money apart) or credits; `document`: the number of what was
    billed with it, if anything was."""

    at: datetime
    what: LineKind
    unit: PurseUnit
    amount: int
    document: str = ""


def statement(pass_: UUID, limit: int | None = None) -> list[PassLine]:
    """Return what happened to what is on a pass, in the order it happened; `limit`: the last so many lines."""
    found = rows(
        "WITH purse AS (SELECT id, unit FROM accounts_account WHERE owner = %s AND purpose LIKE 'pass:%%'),"
        " side AS (SELECT t.at, t.number, t.target AS other, -t.amount AS amount, p.unit FROM purse p"
        " JOIN accounts_transfer t ON t.source = p.id"
        " UNION ALL SELECT t.at, t.number, t.source, t.amount, p.unit FROM purse p JOIN accounts_transfer t ON t.target = p.id),"
        " line AS (SELECT s.at, s.number, a.purpose, s.unit, min(a.owner::text)::uuid AS owner, sum(s.amount)::bigint AS amount,"
        " (s.amount > 0) AS gain FROM side s JOIN accounts_account a ON a.id = s.other GROUP BY 1, 2, 3, 4, 7)"
        " SELECT l.at, l.purpose, l.unit, l.gain, l.amount, EXISTS (SELECT FROM passes_top_up u WHERE u.of = %s"
        " AND u.at = l.at AND u.number = l.number), coalesce((SELECT o.document FROM orders_tab_bill b JOIN orders_order o"
        " ON o.id = b.\"order\" WHERE b.tab = l.owner ORDER BY b.number LIMIT 1), '') FROM line l"
        " ORDER BY l.at DESC, l.number DESC, l.purpose LIMIT %s",
        [pass_, pass_, limit],
    )
    return [
        PassLine(
            at=at, what=_what(purpose, gain=gain, topped=topped, unit=unit),
            unit="credits" if unit == CREDITS else "money", amount=amount, document=document,
        )
        for at, purpose, unit, gain, amount, topped, document in reversed(found)
    ]  # fmt: skip


def _what(purpose: str, *, gain: bool, topped: bool, unit: str) -> LineKind:
    """Tell what a transfer to or from a purse was, by what stands on its other side."""
    if gain:
        if purpose == "bonuses":
            return "bonus"
        return "top_up" if topped else "back"
    if purpose in ("revenue", "bonuses"):
        return "expired"
    return "credits" if unit == CREDITS else "paid"


class DueInstalment(msgspec.Struct, frozen=True, kw_only=True):
    """An instalment that is to be paid: of which pass, when, how much; whose pass it is, if that is known."""

    id: UUID
    of: UUID
    kind: str
    due_on: date
    amount: int
    customer: UUID | None


def due_instalments(facility: UUID, until: date) -> list[DueInstalment]:
    """Return a facility's instalments due up to a local day and not paid, the earliest first: whom to remind."""
    found = rows(
        "SELECT i.id, i.of, p.kind, i.due_on, i.amount, p.customer FROM passes_instalment i JOIN passes_pass p ON p.id = i.of"
        " WHERE i.facility = %s AND i.due_on <= %s AND i.paid_at IS NULL ORDER BY i.due_on, i.id",
        [facility, until],
    )
    return [
        DueInstalment(id=row[0], of=row[1], kind=row[2], due_on=row[3], amount=row[4], customer=row[5]) for row in found
    ]


def lapsed_holds(facility: UUID, at: datetime, limit: int) -> dict[UUID, list[Hold]]:
    """Return the holds that nobody drew until they lapsed, by pass, the earliest first."""
    found: dict[UUID, list[Hold]] = {}
    for of, id_, account, amount in rows(
        "SELECT h.of, h.id, h.account, h.amount FROM passes_hold h JOIN passes_pass p ON p.id = h.of"
        " WHERE h.over_at IS NULL AND h.expires_at <= %s AND p.facility_id = %s ORDER BY h.expires_at, h.id LIMIT %s",
        [at, facility, limit],
    ):
        found.setdefault(of, []).append(Hold(id=id_, account=account, amount=amount))
    return found


def ended_passes(facility: UUID, at: datetime, limit: int) -> list[UUID]:
    """Return passes whose time is over with something left that nobody holds."""
    found = rows(
        "SELECT p.id FROM passes_pass p WHERE p.facility_id = %s AND p.good_until <= %s AND EXISTS (SELECT FROM"
        " accounts_account a WHERE a.owner = p.id AND a.balance > a.reserved) ORDER BY p.good_until, p.id LIMIT %s",
        [facility, at, limit],
    )
    return [row[0] for row in found]


def late_passes(facility: UUID, before: date, limit: int) -> list[UUID]:
    """Return passes with an instalment due before a local day and no block for that."""
    found = rows(
        "SELECT i.of FROM passes_instalment i WHERE i.facility = %s AND i.paid_at IS NULL AND i.due_on < %s"
        " AND NOT EXISTS (SELECT FROM passes_block b WHERE b.of = i.of AND b.code = 'overdue' AND b.lifted_at IS NULL)"
        " GROUP BY i.of ORDER BY min(i.due_on), i.of LIMIT %s",
        [facility, before, limit],
    )
    return [row[0] for row in found]


def facilities_with_work(at: datetime) -> list[UUID]:
    """Return the facilities on whose passes something may be due by an instant: what the worker asks before it asks for more."""
    found = rows(
        "SELECT f.facility FROM (SELECT DISTINCT facility FROM passes_kind) f WHERE"
        " EXISTS (SELECT FROM passes_hold h JOIN passes_pass p ON p.id = h.of WHERE h.over_at IS NULL"
        " AND h.expires_at <= %s AND p.facility_id = f.facility)"
        " OR EXISTS (SELECT FROM passes_pass p WHERE p.facility_id = f.facility AND p.good_until <= %s AND EXISTS"
        " (SELECT FROM accounts_account a WHERE a.owner = p.id AND a.balance > a.reserved))"
        " OR EXISTS (SELECT FROM passes_instalment i WHERE i.facility = f.facility AND i.paid_at IS NULL"
        " AND i.due_on < (%s)::date AND NOT EXISTS (SELECT FROM passes_block b WHERE b.of = i.of"
        " AND b.code = 'overdue' AND b.lifted_at IS NULL)) ORDER BY 1",
        [at, at, at],
    )
    return [row[0] for row in found]


def _grouped(found: Iterable[tuple[Any, ...]]) -> dict[UUID, list[tuple[Any, ...]]]:
    groups: dict[UUID, list[tuple[Any, ...]]] = {}
    for row in found:
        groups.setdefault(row[0], []).append(row)
    return groups
