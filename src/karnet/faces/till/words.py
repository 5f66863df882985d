"""What codes are called on the till's screens and documents."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from karnet.catalogue.operations import Product, Validity
from karnet.faces.base import words

CATEGORIES: Mapping[str, Promise] = {
    "adult": gettext_lazy("Adult"),
    "reduced": gettext_lazy("Reduced"),
    "child": gettext_lazy("Child"),
    "youth": gettext_lazy("Youth"),
    "student": gettext_lazy("Student"),
    "senior": gettext_lazy("Senior"),
}
PAYMENTS: Mapping[str, Promise] = {
    "cash": gettext_lazy("Cash"),
    "card": gettext_lazy("Payment card"),
    "bank_transfer": gettext_lazy("Bank transfer"),
    "voucher": gettext_lazy("Voucher"),
    "internal_account": gettext_lazy("Internal account"),
    "invoice": gettext_lazy("On invoice, paid later"),
    "stored_money": gettext_lazy("Money on a card"),
    "on_account": gettext_lazy("On the partner’s account"),
}
CASH_REASONS: Mapping[str, Promise] = {
    "change": gettext_lazy("Change"),
    "bank": gettext_lazy("Bank or safe"),
    "expense": gettext_lazy("Something bought"),
    "other": gettext_lazy("Other reason"),
}
BLOCKS: Mapping[str, Promise] = {
    "lost": gettext_lazy("Lost"),
    "stolen": gettext_lazy("Stolen"),
    "misused": gettext_lazy("Misused"),
    "unpaid": gettext_lazy("Not paid"),
    "other": gettext_lazy("Other reason"),
}
STATES: Mapping[str, Promise] = {
    "in_use": gettext_lazy("in use"),
    "returned": gettext_lazy("handed in"),
    "replaced": gettext_lazy("replaced"),
}


def called(names: Mapping[str, Promise], code: str) -> str:
    """Return what a code is called; one that has no name is its own."""
    return str(names.get(code, code))


def product_name(product: Product) -> str:
    """Return a product's name in the reader's language, else in English, else any, else its code."""
    names = product.names
    return names.get(words.language()) or names.get("en") or next(iter(names.values()), product.code)


def lasts(product: Product) -> str:
    """Return in a few words how long a product lasts."""
    if product.kind == "points":
        return ngettext("%(n)s point", "%(n)s points", product.points) % {"n": product.points}
    return validity(product.validity) if product.kind == "time" and product.validity else ""


def validity(term: Validity) -> str:
    """Return a validity in a few words: "4 hours from the first passage"."""
    if term.kind == "season":
        first, last = term.first_day, term.last_day
        return f"{words.day(first)} – {words.day(last)}" if first and last else _("whole season")
    if term.kind == "hours":
        length = ngettext("%(n)s hour", "%(n)s hours", term.hours) % {"n": term.hours}
    elif term.kind == "days":
        length = ngettext("%(n)s day", "%(n)s days", term.days) % {"n": term.days}
    else:
        length = _("%(n)s of %(within)s days") % {"n": term.days, "within": term.within_days}
    return _("%(length)s from first passage") % {"length": length} if term.starts == "first_passage" else length
