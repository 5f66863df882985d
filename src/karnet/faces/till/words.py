"""What codes are called on the till's screens and documents."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from karnet.catalogue.operations import Product, Validity
from karnet.catalogue.selectors import Version
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
CORRECTIONS: Mapping[str, Promise] = {
    "missed_read": gettext_lazy("A reading was missed"),
    "wrong_read": gettext_lazy("A reading was wrong"),
    "reader_fault": gettext_lazy("The reader is broken"),
    "guest_complaint": gettext_lazy("The guest says so"),
    "other": gettext_lazy("Other reason"),
}
FORCES: Mapping[str, Promise] = {
    "left_without_return": gettext_lazy("Left without giving the band back"),
    "closing_time": gettext_lazy("Closing time"),
    "medical": gettext_lazy("Taken ill"),
    "staff_error": gettext_lazy("Our mistake"),
    "other": gettext_lazy("Other reason"),
}
PURSES: Mapping[str, Promise] = {
    "money": gettext_lazy("Money"),
    "bonus": gettext_lazy("Bonus"),
    "goods": gettext_lazy("For goods"),
    "classes": gettext_lazy("Classes"),
}
PASS_LINES: Mapping[str, Promise] = {
    "top_up": gettext_lazy("Top-up"),
    "bonus": gettext_lazy("Bonus"),
    "paid": gettext_lazy("Paid"),
    "back": gettext_lazy("Back on the pass"),
    "expired": gettext_lazy("Time is over"),
    "credits": gettext_lazy("Classes used"),
}
PASS_BLOCKS: Mapping[str, Promise] = {
    "lost": gettext_lazy("Lost"),
    "owner": gettext_lazy("The holder asks for it"),
    "staff": gettext_lazy("Blocked by staff"),
    "overdue": gettext_lazy("Instalment late"),
}
LINES: Mapping[str, Promise] = {
    "stay": gettext_lazy("Stay"),
    "on_top": gettext_lazy("Zones charged on top"),
    "late_fee": gettext_lazy("Fee for settling late"),
    "unused": gettext_lazy("Prepayment not used"),
    "prepaid": gettext_lazy("Prepayment for a stay"),
    "lost_band": gettext_lazy("Lost band"),
    "forgiven": gettext_lazy("Forgiven"),
    "pass_card": gettext_lazy("Card of a pass"),
    "pass_instalment": gettext_lazy("Instalment of a pass"),
}
"""What is charged to a tab and stands on no price list."""


def line_name(code: str, product: UUID, versions: Mapping[UUID, Version]) -> str:
    """Return what a line of a sale or tab is called: its product's name, or what a stay is charged for."""
    return product_name(versions[product].product) if product in versions else called(LINES, code)


def named(names: Mapping[str, Promise]) -> list[tuple[str, str]]:
    """Return codes with what they are called, in their order: the options of a choice."""
    return [(code, str(name)) for code, name in names.items()]


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


def discount(discount_bp: int) -> str:
    """Return what a right takes off, in words: "free", "−12.5 %"."""
    if discount_bp == 10_000:
        return _("free")
    whole, rest = divmod(discount_bp, 100)
    point = "." if words.language() == "en" else ","
    return f"−{whole}{f'{point}{rest:02d}'.rstrip('0') if rest else ''}\u00a0%"
