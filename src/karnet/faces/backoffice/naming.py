"""What codes are called in tables of the back office; and what is wrong with a draft, in the reader's language."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from uuid import UUID

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from karnet.catalogue.selectors import product_versions
from karnet.faces.base.words import language

KINDS: Mapping[str, Mapping[str, Promise]] = {
    "payment": {
        "cash": _("cash"),
        "card": _("payment card"),
        "bank_transfer": _("bank transfer"),
        "voucher": _("voucher"),
        "internal_account": _("internal account"),
        "invoice": _("on invoice"),
        "stored_money": _("money on a card"),
        "on_account": _("on the partner’s account"),
    },
    "medium": {
        "card": _("card"),
        "wristband": _("wristband"),
        "barcode": _("bar code"),
        "qr": _("QR code"),
        "phone": _("phone"),
    },
    "sales_point": {
        "till": _("till"),
        "reception": _("reception"),
        "ticket_machine": _("ticket machine"),
        "web": _("web shop"),
        "partner": _("partner"),
    },
    "category": {
        "adult": _("adult"),
        "reduced": _("reduced"),
        "child": _("child"),
        "youth": _("youth"),
        "student": _("student"),
        "senior": _("senior"),
    },
}

_PROBLEMS: tuple[tuple[str, Promise], ...] = (
    (r"must be (?P<least>\d+) to (?P<most>\d+) minor units", _("must be %(least)s to %(most)s minor units")),
    (r"must be 0 to (?P<most>\d+) basis points .*", _("must be 0 to %(most)s basis points (8 %% is 800)")),
    (r"must be 1 to (?P<most>\d+) on a points ticket", _("must be 1 to %(most)s on a points ticket")),
    (r"must be 1 to 64 letters .*", _("must be 1 to 64 letters A-Z a-z, digits, dots, dashes, underscores")),
    (r"must be (?P<least>\d+) to (?P<most>\d+)", _("must be %(least)s to %(most)s")),
    (r"must be one of (?P<which>.*)", _("must be one of %(which)s")),
    (r"must be at least days", _("must be at least as many as the days of use")),
    (r"must have 1 to 200 characters", _("must have 1 to 200 characters")),
    (r"must be later than on_sale_from", _("must be later than the start of sales")),
    (r"is past; a price list starts now or later", _("is past; a price list starts now or later")),
    (r"needs a time zone", _("needs a time zone")),
    (r"(?P<what>.*) is given (?P<times>\d+) times", _("%(what)s is given %(times)s times")),
    (r"(?P<what>.*) is no language code such as en or pl", _("%(what)s is no language code such as en or pl")),
    (r"(?P<what>.*) is no category such as adult or reduced", _("%(what)s is no category such as adult or reduced")),
    (r"there is no facility (?P<what>.*)", _("there is no facility %(what)s")),
    (r"names one twice", _("names one twice")),
    (r"names a weekday twice", _("names a weekday twice")),
    (r"name at least one category and its price", _("name at least one category and its price")),
    (r"belong on a points ticket only", _("belong on a points ticket only")),
    (r"belongs on a ticket only", _("belongs on a ticket only")),
    (r"belongs on what goes on a card only", _("belongs on what goes on a card only")),
    (r"is missing: a time ticket .*", _("is missing: a time ticket says how long it opens gates")),
    (r"is missing: it is all that a deposit card costs", _("is missing: it is all that a deposit card costs")),
    (r"is missing: a season ticket has both its days", _("is missing: a season ticket has both its days")),
    (r"is before first_day", _("is before the first day")),
    (r"means nothing for (?P<what>.*)", _("means nothing for %(what)s")),
    (r"weekdays are 0 .*", _("weekdays are 0 (Monday) to 6, one at least")),
    (r"starts at a minute of the day, 0 to (?P<most>\d+)", _("starts at a minute of the day, 0 to %(most)s")),
    (r"ends after its start and within a day of it", _("ends after its start and within a day of it")),
)


def called(kind: str, code: str) -> str:
    """Return what a code of a kind ("payment", "medium", "sales_point", "category") is called; an unknown one is its
    own name."""
    return str(KINDS[kind].get(code, code))


def problem_in_words(problem: str) -> str:
    """Return what is wrong with a draft in the reader's language; a problem nobody has words for stays as the rule says
    it (a test keeps these few)."""
    for pattern, words in _PROBLEMS:
        found = re.fullmatch(pattern, problem)
        if found:
            return str(words) % found.groupdict()
    return problem


def product_titles(versions: Collection[UUID]) -> dict[UUID, str]:
    """Return what products are called in the reader's language, else in English; one with no name is left out."""
    found = product_versions(versions) if versions else {}
    return {id_: title for id_, version in found.items() if (title := product_title(version.product.names))}


def product_title(names: Mapping[str, str]) -> str:
    """Return a product's name in the reader's language, else in English, else ""."""
    return names.get(language()) or names.get("en") or ""
