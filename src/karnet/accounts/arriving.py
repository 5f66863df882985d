"""What books of another server claim: that whoever took money, charged, or keeps books is its own, and that accounts
are opened on the terms that accounts of their purpose have everywhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

from karnet.accounts.operations import (
    AccountOpened,
    BooksOpened,
    Charged,
    HousePurpose,
    Loaded,
    MoneyDrawn,
    MoneyLoaded,
    PointsCharged,
    ReservationEnded,
    Reserved,
    StoredAccount,
    house_account,
    owned_account,
    stored_account,
)
from karnet.journal.operations import Part
from karnet.journal.rules.arrivals import Claim, Made, Own, Place, Wrong, claims, claims_as_a_whole

_HOUSE = frozenset(get_args(HousePurpose))


@claims(AccountOpened)
def account_opened(part: AccountOpened, place: Place) -> Sequence[Claim]:
    """An account may be opened by several servers, and the first one counts: so whoever opens it must open the same.

    Whoever could open a facility's account on other terms before the facility does would make servers differ for ever.
    """
    terms: tuple[int | None, bool] = (part.overdraft, part.hot)
    if part.purpose in _HOUSE:
        right = terms == (None, True) and part.id == house_account(part.owner, part.purpose, part.unit)  # type: ignore[arg-type]
    elif part.purpose in ("drawer", "safe"):
        right = terms == (None, False) and part.id == owned_account(part.owner, part.purpose, part.unit)
    elif part.purpose == "points":
        right = terms == (0, False) and part.id == owned_account(part.owner, "points", part.unit)
    else:
        right = part.purpose in ("money", "bonus") and terms == (0, False)  # StoredAccount tells whose it is.
    return () if right else [Wrong("wrong_terms", f"it opens the {part.purpose} account {part.id} on terms of its own")]


@claims(StoredAccount)
def stored(part: StoredAccount, place: Place) -> Sequence[Claim]:
    account = stored_account(part.medium, part.issue, part.facility, part.kind, part.currency)
    if part.account != account:
        return [Wrong("wrong_id", f"{part.account} is not the account of {part.facility} on {part.medium}")]
    return [Own(part.facility, ("facility",))]


@claims_as_a_whole
def told_whose(parts: Sequence[Part], place: Place) -> Sequence[Claim]:
    """Whoever opens an account of money on a medium says in the same breath whose it is, and so that it is that account."""
    opened = [part for part in parts if isinstance(part, AccountOpened) and part.purpose in ("money", "bonus")]
    if not opened:
        return ()
    told = {(part.account, part.medium, part.kind, part.currency) for part in parts if isinstance(part, StoredAccount)}
    return [
        Wrong("wrong_id", f"it opens {part.id} for {part.purpose}, and says not whose account that is")
        for part in opened
        if (part.id, part.owner, part.purpose, part.unit) not in told
    ]


@claims(Reserved)
@claims(ReservationEnded)
def reserved(part: Reserved | ReservationEnded, place: Place) -> Sequence[Claim]:
    """Nobody ends what another server reserved."""
    return [Made(part.id)]


@claims(BooksOpened)
def books_opened(part: BooksOpened, place: Place) -> Sequence[Claim]:
    return [Own(part.facility, ("facility",))]


@claims(MoneyLoaded)
@claims(MoneyDrawn)
@claims(PointsCharged)
def dealt(part: MoneyLoaded | MoneyDrawn | PointsCharged, place: Place) -> Sequence[Claim]:
    owned: list[Claim] = [Own(part.facility, ("facility",))]
    if not isinstance(part, MoneyLoaded):
        return [*owned, Made(part.charge)]
    if part.sales_point is not None:
        owned.append(Own(part.sales_point, ("sales_point",), under=part.facility))
    return owned


@claims(Charged)
def charged(part: Charged, place: Place) -> Sequence[Claim]:
    seller = Own(part.sales_point, ("sales_point",), under=part.facility)
    return [Own(part.facility, ("facility",)), seller, Made(part.id)]


@claims(Loaded)
def loaded(part: Loaded, place: Place) -> Sequence[Claim]:
    """A load's id is of its server's making. (What a rule of loyalty gives is known by the reward's name.)"""
    made = [Made(part.load.id)]
    return (
        made if part.sales_point is None else [*made, Own(part.sales_point, ("sales_point",), under=part.load.facility)]
    )
