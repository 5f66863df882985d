"""Steps of metered places: tariffs, zones, bands, bills. Played by acts_stays."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from karnet.tariffs.model import Tariff
from karnet.wiring.play.amounts import Amount, Percent
from karnet.wiring.play.step import Step
from karnet.wiring.play.words import Card, Code, Count, FacilityCode, Instant, Label, Payment, PaymentKind, Place


class PublishTariff(Step, frozen=True, kw_only=True, tag="publish_tariff"):
    """A facility publishes a tariff (docs/tariffs.md), in force for stays that begin from `from` on (default: `at`)."""

    facility: FacilityCode
    tariff: Tariff
    in_force_from: Instant | None = msgspec.field(default=None, name="from")


class Leads(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Where a gate or reader leads: out of one zone into another; "" is outside."""

    role: Literal["way", "both_ways", "time_stop"] = "way"
    out_of: str = ""
    into: str = ""
    keeps_band: bool = False


class StayRules(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What a facility does with stays (docs/stays.md)."""

    metered_from: str = ""
    exit_grace_s: Count = 600
    vat: Percent = "8"
    on_top_vat: Percent = "8"
    receipt: Literal["exit", "entry"] = "exit"
    lost_band: Amount = 0


class Furnish(Step, frozen=True, kw_only=True, tag="furnish"):
    """A facility's zones (code to capacity, null = no bound; "*" is the whole facility), where its gates lead, and what it
    does with stays."""

    facility: FacilityCode
    zones: dict[str, Count | None] = msgspec.field(default_factory=dict)
    gates: dict[Place, Leads] = msgspec.field(default_factory=dict)
    rules: StayRules | None = None


class Band(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """One person's band. `prepaid`: the advance; the package's price where it is left out. `bundle`: the card with the
    bundle that pays it; category and package are the bundle's."""

    card: Card
    category: str = "adult"
    package: str = ""
    prepaid: Amount | None = None
    bundle: Card | None = None


class Enter(Step, frozen=True, kw_only=True, tag="enter"):
    """People come: bands are given out, on a new tab, or on that of an earlier step (`tab` names it). `on_pass`: the card of
    the pass that pays when they leave; `prepaid` of a band is then what is held for it."""

    sales_point: Place
    operator: Place
    tariff: Code
    bands: Annotated[tuple[Band, ...], Meta(min_length=1)]
    pay: tuple[Payment, ...] | PaymentKind = "cash"
    tab: Label | None = None
    limit: Amount = 0
    on_pass: Card | None = None


class ReadBand(Step, frozen=True, kw_only=True, tag="read"):
    """A band is read at a gate or reader of a metered place."""

    gate: Place
    card: Card


class Bill(Step, frozen=True, kw_only=True, tag="bill"):
    """What the stay of a band costs at this moment, and what is owed. Changes nothing."""

    card: Card


class SettleStays(Step, frozen=True, kw_only=True, tag="settle_stays"):
    """The stays of bands are charged and paid; `close`: the bands are back and the stays over, `pay`: they may leave."""

    sales_point: Place
    operator: Place
    cards: Annotated[tuple[Card, ...], Meta(min_length=1)]
    pay: tuple[Payment, ...] = ()
    mode: Literal["pay", "close"] = "close"
    on_pass: Card | None = None


class Sold(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Goods of the price list."""

    product: Code
    category: str = "adult"
    quantity: Annotated[int, Meta(ge=1)] = 1


class Dish(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Something that no price list here knows."""

    code: Code
    price: Amount
    vat: Percent = "8"
    quantity: Annotated[int, Meta(ge=1)] = 1


class ChargeBand(Step, frozen=True, kw_only=True, tag="charge_band"):
    """Goods and services are charged through a band; nothing is paid now."""

    sales_point: Place
    operator: Place
    card: Card
    lines: tuple[Sold, ...] = ()
    extras: tuple[Dish, ...] = ()


class CorrectStay(Step, frozen=True, kw_only=True, tag="correct_stay"):
    """A missed reading is put in: since `since` the band was in `zone`. Or a wrong one is dropped: that of `drop`."""

    operator: Place
    card: Card
    reason: Literal["missed_read", "wrong_read", "reader_fault", "guest_complaint", "other"] = "missed_read"
    zone: str | None = None
    since: Instant | None = None
    drop: Instant | None = None


class LoseBand(Step, frozen=True, kw_only=True, tag="lose_band"):
    """A band is lost; `by` takes its place."""

    sales_point: Place
    operator: Place
    card: Card
    by: Card | None = None


class ForceClose(Step, frozen=True, kw_only=True, tag="force_close"):
    """A stay is ended by hand: what is owed stays on the tab, or is forgiven."""

    operator: Place
    card: Card
    reason: Literal["left_without_return", "closing_time", "medical", "staff_error", "other"] = "left_without_return"
    debt: Literal["charged", "forgiven"] = "charged"
    until: Instant | None = None


class Evacuate(Step, frozen=True, kw_only=True, tag="evacuate"):
    """A facility is evacuated: gates stand open, clocks stand still."""

    facility: FacilityCode
    operator: Place


class Resume(Step, frozen=True, kw_only=True, tag="resume"):
    """An evacuation is over."""

    facility: FacilityCode
    operator: Place


class Heads(Step, frozen=True, kw_only=True, tag="heads"):
    """How many people are in each zone. Changes nothing."""

    facility: FacilityCode


StayStep = (
    PublishTariff | Furnish | Enter | ReadBand | Bill | SettleStays | ChargeBand | CorrectStay | LoseBand | ForceClose
    | Evacuate | Resume | Heads
)  # fmt: skip
