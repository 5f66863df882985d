"""Kinds of passes in words: what a kind says, what a version of it changes, what its top-ups bring, what is worth a look."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from karnet.accounts.top_ups import top_up
from karnet.catalogue.tariffs import tariffs_in_force
from karnet.faces.backoffice.frame import Place
from karnet.faces.backoffice.pass_sheet import holds, rate
from karnet.faces.backoffice.product_form import LANGUAGES
from karnet.faces.base.stay_words import category_name
from karnet.faces.base.words import language, money
from karnet.kernel.outcomes import Refused
from karnet.passes.kinds import PassKind, Programme, Purse
from karnet.passes.requests import OfferPasses
from karnet.passes.rules.offering import decide_offer
from karnet.passes.selling import instalments, quote


class Brings(NamedTuple):
    """What somebody pays, and what is on the pass then. `what`: the pack, "" of a top-up; `offered`: it can be asked for;
    `earlier`: the bonus of the version before, None where that is the same or there is none. Minor units."""

    what: str
    pays_minor: int
    bonus_minor: int
    days: int | None
    with_card_minor: int
    offered: bool
    earlier: int | None = None


def brings(kind: PassKind, before: PassKind | None = None, tried: int | None = None) -> list[Brings]:
    """Return what top-ups and packs bring: fixed amounts, where tiers begin, and an amount that somebody tries."""
    steps = [tier.from_minor for tier in kind.tiers] if kind.free_amounts else []
    amounts = {*kind.amounts, *(one for one in (*steps, kind.least_minor) if kind.free_amounts and one > 1)}
    shown = [
        _brought(kind, before, amount)
        for amount in sorted(amounts | ({tried} if tried else set()))
        if offers(kind, amount) or amount == tried
    ]
    for pack in kind.packs:
        priced, with_card = quote(kind, pack=pack.code), quote(kind, pack=pack.code, new_card=True)
        shown.append(
            Brings(pack.code, priced.top_up_minor, priced.bonus_minor, pack.valid_days, with_card.total_minor, True)
        )
    return shown


def _brought(kind: PassKind, before: PassKind | None, amount: int) -> Brings:
    found, earlier = top_up(kind.tiers, amount), top_up(before.tiers, amount).bonus_minor if before else None
    total = quote(kind, amount=amount, new_card=True).total_minor
    changed = earlier if earlier != found.bonus_minor else None
    return Brings("", amount, found.bonus_minor, found.valid_days, total, offers(kind, amount), changed)


def offers(kind: PassKind, amount: int) -> bool:
    """Return whether somebody may top up this amount."""
    return amount in kind.amounts or (kind.free_amounts and amount >= kind.least_minor)


def kind_name(named: PassKind | Programme) -> str:
    """Return what a kind of pass or a programme is called in the reader's language, else in English, else its code."""
    return named.names.get(language()) or named.names.get("en") or named.code


def facts(kind: PassKind, where: Place) -> dict[str, str]:
    """Return what a kind says: what → how it is, in the order of the form; what is not so is left out."""
    paid = [money(one, where) for one in kind.amounts]
    if kind.free_amounts:
        paid.append(_("any amount from %(least)s on") % {"least": money(kind.least_minor, where)})
    said = {
        **{_("Name, %(language)s") % {"language": title}: kind.names.get(one, "") for one, title in LANGUAGES},
        _("Top-ups"): ", ".join(paid),
        **{
            _("From %(amount)s on") % {"amount": money(tier.from_minor, where)}: _lasting(
                _("%(rate)s %% bonus") % {"rate": rate(tier.bonus_bp)}, tier.valid_days
            )
            for tier in sorted(kind.tiers, key=lambda one: one.from_minor)
        },
        _("Spent in this order"): " → ".join(map(_purse, kind.purses)),
        **{
            _("Pack %(code)s") % {"code": pack.code}: _lasting(
                f"{money(pack.price_minor, where)}: {holds(pack, kind, where.currency)}", pack.valid_days
            )
            for pack in kind.packs
        },
        _("Contract"): _contract(kind, where),
        _("A new card"): _("%(price)s, VAT %(rate)s %%")
        % {"price": money(kind.card_price_minor, where), "rate": rate(kind.card_vat_bp)},
        _("Tariff"): kind.tariff,
        _("Categories"): ", ".join(
            f"{_('everybody else') if who == '*' else category_name(who)} → {category_name(category)}"
            for who, category in kind.categories.items()
        ),
        _("Held for each band"): (
            _("the price of the package") if kind.hold_minor is None else money(kind.hold_minor, where)
        )
        + ", "
        + ngettext("for %(n)s hour", "for %(n)s hours", kind.hold_hours) % {"n": kind.hold_hours},
        _("People inside at once"): "" if kind.people is None else str(kind.people),
    }
    return {what: how for what, how in said.items() if how}


def _lasting(said: str, days: int | None) -> str:
    if days is None:
        return said
    return f"{said}, " + ngettext("good for %(n)s day", "good for %(n)s days", days) % {"n": days}


def _purse(purse: Purse) -> str:
    kind = _("classes") if purse.unit == "credits" else _("bonus") if purse.bonus else _("money")
    said = {"stay": _("stays"), "goods": _("goods")}
    pays = ", ".join(said.get(one, one) for one in purse.pays) or _("for anything")
    vat = "" if purse.vat_bp is None else ", " + _("VAT %(rate)s %% when paid in") % {"rate": rate(purse.vat_bp)}
    return f"{purse.code} ({kind}, {pays}{vat})"


def _contract(kind: PassKind, where: Place) -> str:
    contract = kind.contract
    if contract is None:
        return ""
    parts = instalments(contract) if contract.instalments > 0 else []
    each = ", ".join(f"{parts.count(amount)} × {money(amount, where)}" for amount in dict.fromkeys(parts))
    months = ngettext("%(n)s month", "%(n)s months", contract.months) % {"n": contract.months}
    late = ngettext("blocked %(n)s day late", "blocked %(n)s days late", contract.grace_days) % {
        "n": contract.grace_days
    }
    return f"{months}: {money(contract.price_minor, where)} ({each}), VAT {rate(contract.vat_bp)} %, {late}"


def differences(before: PassKind | None, kind: PassKind, where: Place) -> list[tuple[str, str, str]]:
    """Return what a version changes: (what, how it is, how it will be)."""
    old, new = facts(before, where) if before else {}, facts(kind, where)
    return [(what, old.get(what, ""), new.get(what, "")) for what in {**old, **new} if old.get(what) != new.get(what)]


def advices(kind: PassKind, facility: UUID, at: datetime) -> list[str]:
    """Return what is worth a look before a kind is published."""
    told = []
    if not kind.free_amounts and kind.amounts:
        most = max(kind.amounts)
        told += [_("Nobody reaches a bonus that begins above the highest amount.")] * any(
            tier.from_minor > most for tier in kind.tiers
        )
    rising = sorted(kind.tiers, key=lambda one: one.from_minor)
    if any(higher.bonus_bp < lower.bonus_bp for lower, higher in zip(rising, rising[1:], strict=False)):
        told.append(_("A higher top-up brings a lower bonus."))
    if len({tier.from_minor for tier in kind.tiers}) < len(kind.tiers):
        told.append(_("Two bonuses begin at the same amount: the first counts."))
    force = {code: version.tariff for code, version in tariffs_in_force(facility, at).items()}
    if kind.tariff and kind.tariff not in force:
        told.append(_("Tariff %(code)s is not in force here.") % {"code": kind.tariff})
    known = {one for tariff in force.values() for one in tariff.categories}
    strange = [one for one in kind.categories.values() if one not in known]
    if strange:
        told.append(_("No tariff in force has a price for: %(codes)s") % {"codes": ", ".join(strange)})
    if not kind.names.get("en"):
        told.append(_("Without an English name some guests read the code."))
    return told


def faults(kind: PassKind, facility: UUID, before: Mapping[str, PassKind], at: datetime) -> list[str]:
    """Return what keeps a kind from being published, as sentences; the rule that publishes is asked, nothing is recorded."""
    asked = OfferPasses(key="asked", at=at, actor=facility, facility=facility, kinds=(kind,))
    answer, _operations = decide_offer(asked, True, before)
    if not isinstance(answer, Refused):
        return []
    return list(dict.fromkeys(_fault(str(text)) for path, text in answer.facts.items() if path != "field"))


def _fault(text: str) -> str:
    for pattern, said in _faults().items():
        match = re.fullmatch(pattern, text)
        if match:
            return said % match.groupdict()
    return text


def _faults() -> dict[str, str]:
    return {
        r"must keep purse (?P<code>\S+) as it is: .*": _("Purse %(code)s must stay as it is: people have money in it."),
        r"must have 1 to 24 letters.*": _("The code must have 1 to 24 letters, digits, points, dashes."),
        r"must be at least one, each code once.*": _(
            "There must be a purse, and the code of each once, of 1 to 24 letters, digits, points, dashes."
        ),
        r"vat_bp must be 0 to 10000 basis points": _("VAT must be 0 to 100 %%."),
        r"credits are no bonus.*": _("Classes are taxed when they are paid for: give their purse its VAT."),
        r"bonus money is given.*": _("Bonus money is given: its purse has no VAT when money comes in."),
        r"must be 1 to \d+ minor units": _("An amount is too high, or zero."),
        r"top-ups need a purse.*": _("Top-ups need a purse of money that is no bonus."),
        r"from_minor must not be.*": _("A bonus must be 0 to 1000 %%, from an amount that is not too high."),
        r"valid_days must be.*": _("Money is good for 1 to 36500 days."),
        r"a bonus needs a purse of bonus money": _("A bonus needs a purse of bonus money."),
        r"must not be below zero; card_vat_bp.*": _("The card's price is too high, or its VAT above 100 %%."),
        r"must be 0 to \d+ minor units": _("What is held is too much."),
        r"must be 1 to 8784": _("Money is held for 1 to 8784 hours."),
        r"must be at least 1, or left out": _("At least one person must be let in."),
        r"there must be something to sell.*": _("There is nothing to sell: add amounts, a pack or a contract."),
        r"must have 1 to 120 months.*": _("A contract has 1 to 120 months, and at most one instalment a month."),
        r"price_minor must be above zero.*": _("A contract has a price, and VAT of 0 to 100 %%."),
        r"grace_days must be.*": _("A payer may be 0 to 366 days late."),
        r"(?P<pack>.*): each code once.*": _(
            "Pack “%(pack)s”: the code of each once, of 1 to 24 letters, digits, points, dashes."
        ),
        r"(?P<pack>.*): must hold something.*": _("Pack %(pack)s must hold something, and cost something."),
        r"(?P<pack>.*): \S+ must be a purse.*": _("Pack %(pack)s must put more than nothing into each purse."),
        r"(?P<pack>.*): (?P<code>\S+) is given.*": _("Pack %(pack)s: %(code)s is given, so it has no price."),
        r"(?P<pack>.*): (?P<code>\S+) is money.*": _(
            "Pack %(pack)s: %(code)s is money and costs what it holds; give more as bonus money."
        ),
        r"(?P<pack>.*): valid_days.*": _("Pack %(pack)s is good for 1 to 36500 days."),
    }


def fixed_categories(facility: UUID, at: datetime) -> tuple[Collection[str], Collection[str]]:
    """Return the codes of the tariffs in force, and of their categories, to choose from."""
    force = tariffs_in_force(facility, at)
    return list(force), list(dict.fromkeys(one for version in force.values() for one in version.tariff.categories))
