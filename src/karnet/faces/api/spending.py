"""A partner's limit per day: held before a sale, released when the sale is refused. Never exceeded, however many race."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from django.db import transaction
from django.db.models import Sum

from karnet.faces.api.models import Spending, Token
from karnet.faces.api.tokens import Principal
from karnet.kernel.outcomes import Refused, refused
from karnet.kernel.reasons import Reason


class Held(NamedTuple):
    """`new`: this call held it; else an earlier call with the same key did, and nothing more was taken."""

    new: bool


def hold(principal: Principal, key: str, day: date, amount: int, currency: str) -> Held | Refused:
    """Take an amount (minor units) out of what a token may still sell on a day. Locks the token's row.

    A process that dies before the sale leaves it held: too little may be sold that day, never too much.
    """
    if principal.limit_minor is None:
        return Held(False)
    with transaction.atomic():
        Token.objects.select_for_update().get(device_id=principal.id)
        if Spending.objects.filter(token_id=principal.id, key=key).exists():
            return Held(False)
        left = principal.limit_minor - _spent(principal, day)
        if amount > left:
            return refused(Reason.LIMIT_REACHED, left_minor=max(0, left), currency=currency)
        Spending.objects.create(token_id=principal.id, day=day, key=key, amount=amount)
    return Held(True)


def release(principal: Principal, key: str, held: Held, why: Refused) -> None:
    """Give back what was held for a sale that was refused. What the same key holds for another sale stays held."""
    if held.new or why.reason is not Reason.KEY_REUSED:
        Spending.objects.filter(token_id=principal.id, key=key).delete()


def _spent(principal: Principal, day: date) -> int:
    spent = Spending.objects.filter(token_id=principal.id, day=day).aggregate(sum=Sum("amount"))["sum"]
    return int(spent or 0)
