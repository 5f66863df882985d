"""Steps of electronic passes: offered, sold, topped up, used (docs/passes.md). Played by acts_passes."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from karnet.passes.kinds import PassKind
from karnet.wiring.play.amounts import Amount
from karnet.wiring.play.step import Step
from karnet.wiring.play.steps_stays import Dish
from karnet.wiring.play.steps_stays import Sold as Goods
from karnet.wiring.play.words import Card, Code, FacilityCode, Payment, PaymentKind, Place


class OfferPasses(Step, frozen=True, kw_only=True, tag="offer_passes"):
    """A facility says what kinds of passes it sells. Amounts inside a kind are minor units."""

    facility: FacilityCode
    kinds: Annotated[tuple[PassKind, ...], Meta(min_length=1)]


class SellPass(Step, frozen=True, kw_only=True, tag="sell_pass"):
    """A pass is sold with its first top-up; a card that nobody has is given out with it."""

    sales_point: Place
    operator: Place
    kind: Code
    card: Card
    amount: Amount = 0
    pack: str = ""
    pay: tuple[Payment, ...] | PaymentKind = "cash"


class TopUpPass(Step, frozen=True, kw_only=True, tag="top_up_pass"):
    """A pass is topped up; `renew`: its contract for another term, too."""

    sales_point: Place
    operator: Place
    card: Card
    amount: Amount = 0
    pack: str = ""
    renew: bool = False
    pay: tuple[Payment, ...] | PaymentKind = "cash"


class PayInstalments(Step, frozen=True, kw_only=True, tag="pay_instalments"):
    """Instalments of an open pass are paid, as many as the payments come to."""

    sales_point: Place
    operator: Place
    card: Card
    pay: Annotated[tuple[Payment, ...], Meta(min_length=1)]


class ChargePass(Step, frozen=True, kw_only=True, tag="charge_pass"):
    """Goods and services are paid with a pass; `pay`: what it lacks."""

    sales_point: Place
    operator: Place
    card: Card
    lines: tuple[Goods, ...] = ()
    extras: tuple[Dish, ...] = ()
    pay: tuple[Payment, ...] = ()


class UseCredits(Step, frozen=True, kw_only=True, tag="use_credits"):
    """Credits of a pass are taken for something that needs no money: a class."""

    sales_point: Place
    operator: Place
    card: Card
    purse: Code
    credits: Annotated[int, Meta(ge=1)] = 1
    code: str = ""


class KeepUpPasses(Step, frozen=True, kw_only=True, tag="keep_up_passes"):
    """The day's work on a facility's passes: holds that lapsed, what came to its end, who is late."""

    facility: FacilityCode


class InspectPass(Step, frozen=True, kw_only=True, tag="inspect_pass"):
    """What is on a pass at this moment. Changes nothing."""

    facility: FacilityCode
    card: Card


PassStep = OfferPasses | SellPass | TopUpPass | PayInstalments | ChargePass | UseCredits | KeepUpPasses | InspectPass
