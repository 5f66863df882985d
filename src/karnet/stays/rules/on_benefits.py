"""Stays on benefit cards (SPEC S17): one entry a day, the package's price owed by the issuer, what exceeds it by the guest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple
from uuid import UUID

import msgspec

from karnet.journal.requests import made_id
from karnet.kernel.outcomes import Refused, bad_values, refused
from karnet.kernel.reasons import Reason
from karnet.kernel.time import local_day
from karnet.orders.operations import Payment
from karnet.orders.rules.counter import Place
from karnet.passes.kinds import Programme
from karnet.passes.operations import BenefitUsed, benefit_card
from karnet.stays.operations import StayBegun
from karnet.stays.requests import Enter


class Cards(NamedTuple):
    """The programmes that facilities take part in, by (facility, code), and the cards `used`, as (facility, programme, card,
    day), as the decisions of a batch so far leave them."""

    programmes: Mapping[tuple[UUID, str], Programme]
    used: set[tuple[UUID, str, UUID, date]]


NONE = Cards({}, set())


def on_their_packages(request: Enter, place: Place, cards: Cards) -> Enter | Refused:
    """Return the request with the packages that issuers pay. Refuses a card of a programme that is not taken, one that was used on the
    local day or is shown twice, and one together with a pass or bundle that would pay the same."""
    bands, shown = [], set[tuple[str, UUID]]()
    day = local_day(request.at, place.time_zone)
    for n, band in enumerate(request.bands):
        if band.benefit is None:
            bands.append(band)
            continue
        programme = cards.programmes.get((place.facility, band.benefit.programme))
        if programme is None or programme.stopped:
            return refused(Reason.UNKNOWN_PROGRAMME, programme=band.benefit.programme)
        if not any(sign.isalnum() for sign in band.benefit.card) or len(band.benefit.card) > 64:
            return bad_values({f"bands[{n}].benefit": "must have the number on the card, of at most 64 characters"})
        if request.pass_number or band.included is not None:
            return bad_values({f"bands[{n}].benefit": "the issuer pays this entry: leave the pass or bundle out"})
        card = benefit_card(programme.code, band.benefit.card)
        if (place.facility, programme.code, card, day) in cards.used or (programme.code, card) in shown:
            return refused(Reason.BENEFIT_USED, number=band.benefit.card)
        shown.add((programme.code, card))
        bands.append(msgspec.structs.replace(band, package=programme.package, prepaid_minor=None))
    return msgspec.structs.replace(request, bands=tuple(bands))


def entries(request: Enter, begun: Sequence[StayBegun], place: Place, cards: Cards) -> list[BenefitUsed]:
    """Return what issuers owe for the stays of a request, in the order of its bands."""
    made = []
    for n, (band, stay) in enumerate(zip(request.bands, begun, strict=True)):
        if band.benefit is None:
            continue
        programme = cards.programmes[place.facility, band.benefit.programme]
        made.append(
            BenefitUsed(
                id=made_id(request, f"benefit:{n}"), facility=place.facility, programme=programme.code,
                card=benefit_card(programme.code, band.benefit.card), day=local_day(request.at, place.time_zone),
                category=stay.category, amount=stay.prepaid_minor, vat_bp=programme.vat_bp, stay=stay.id,
            )
        )  # fmt: skip
    return made


def payments(billed: int) -> tuple[Payment, ...]:
    """Return how a tab is paid what issuers owe: they get a bill each month."""
    return (Payment(kind="invoice", amount=billed),) if billed else ()
