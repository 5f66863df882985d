"""The rules of agreements in the reader's language: subjects of a change, and what the names of rules mean."""

from __future__ import annotations

import re

from django.utils.translation import gettext as _


def subject_title(subject: str) -> str:
    """Return what a change is about, or a rule decides."""
    return {
        "season": _("Season"),
        "currency": _("Currency"),
        "time_zone": _("Time zone"),
        "first_day": _("First day"),
        "last_day": _("Last day"),
        "replaces": _("Replaces"),
        "member": _("Member"),
        "partner": _("Partner"),
        "price": _("Settlement price"),
        "vat": _("VAT rate"),
        "product_division": _("Division of the product"),
        "bundle_part": _("Part of a bundle"),
        "points": _("Points"),
        "weight": _("Weight"),
        "division": _("Time tickets are divided by"),
        "floor": _("Solidarity floor in percent"),
        "unused": _("What nobody used goes to"),
        "deposit": _("Card deposit"),
        "unreturned": _("Deposits never returned"),
        "overdrawn": _("Points taken twice"),
        "second_payout": _("A deposit paid out twice is borne by"),
        "bonus": _("Bonuses are borne by"),
        "limit_refund": _("Without a link, paid out for one card at most"),
        "limit_replacements": _("Without a link, cards replaced a day at most"),
    }.get(subject, subject)


rule_title = subject_title


def value_title(value: str | None) -> str:
    """Return the name of a rule in words; other values as they are, and a dash for none."""
    if value is None:
        return "–"
    if re.fullmatch(r"[0-9a-f]{64}", value):
        return value[:12]
    return {
        "weighted_passages": _("passages × weight"),
        "equal_visited": _("equal parts among places visited"),
        "first_entries": _("first entries of each day"),
        "points_frequency": _("lift points × frequency"),
        "seller": _("the seller"),
        "equal_members": _("all members alike"),
        "weights_of_members": _("members by their gates' weights"),
        "held": _("stay where they were taken"),
        "taker": _("who took the deposit"),
        "payer": _("who paid second"),
        "shared": _("share the agreed price"),
        "giver": _("who gave them"),
        "spender": _("where they are spent"),
        "members": _("all members alike"),
    }.get(value, value)
