"""Accounts that another server opened: on the terms of their purpose, or not at all."""

from __future__ import annotations

import msgspec
import pytest

from karnet.accounts.arriving import account_opened, stored
from karnet.accounts.operations import AccountOpened, StoredAccount, house_account, owned_account, stored_account
from karnet.accounts.rules import house_accounts
from karnet.journal.rules.arrivals import Log, Own, Place, Wrong
from karnet.kernel.ids import named_id

FACILITY, MEDIUM, TICKET = named_id("facility", "alp"), named_id("medium", "1"), named_id("ticket", "1")
PLACE = Place(Log("alp.example/log", named_id("server", "alp.example/log")), 9)
POINTS = AccountOpened(
    id=owned_account(TICKET, "points", "points"), owner=TICKET, purpose="points", unit="points", overdraft=0
)
MONEY = AccountOpened(
    id=stored_account(MEDIUM, 0, FACILITY, "money", "PLN"), owner=MEDIUM, purpose="money", unit="PLN", overdraft=0
)
DRAWER = AccountOpened(id=owned_account(TICKET, "drawer", "PLN"), owner=TICKET, purpose="drawer", unit="PLN")
HOUSE = house_accounts(FACILITY, "PLN")


@pytest.mark.parametrize("part", [POINTS, MONEY, DRAWER, *HOUSE], ids=lambda part: part.purpose)
def test_accounts_are_taken_as_our_own_servers_open_them(part: AccountOpened) -> None:
    assert not account_opened(part, PLACE)


@pytest.mark.parametrize("part", [POINTS, MONEY, DRAWER, *HOUSE], ids=lambda part: part.purpose)
@pytest.mark.parametrize("overdraft", [1, 10**9])
def test_nobody_grants_an_account_an_overdraft_of_its_own(part: AccountOpened, overdraft: int) -> None:
    (claim,) = account_opened(msgspec.structs.replace(part, overdraft=overdraft), PLACE)
    assert isinstance(claim, Wrong)


@pytest.mark.parametrize("part", [POINTS, MONEY, DRAWER, *HOUSE], ids=lambda part: part.purpose)
def test_nobody_makes_a_guarded_account_hot_or_a_hot_one_guarded(part: AccountOpened) -> None:
    assert account_opened(msgspec.structs.replace(part, hot=not part.hot), PLACE)


@pytest.mark.parametrize("part", [POINTS, DRAWER, *HOUSE], ids=lambda part: part.purpose)
def test_an_account_has_the_id_of_its_owner_and_purpose(part: AccountOpened) -> None:
    assert account_opened(msgspec.structs.replace(part, id=house_account(FACILITY, "revenue", "EUR")), PLACE)


def test_money_on_a_medium_is_held_by_a_facility_of_the_log() -> None:
    part = StoredAccount(account=MONEY.id, medium=MEDIUM, facility=FACILITY, kind="money", currency="PLN")
    assert stored(part, PLACE) == [Own(FACILITY, ("facility",))]
    (claim,) = stored(msgspec.structs.replace(part, medium=TICKET), PLACE)
    assert isinstance(claim, Wrong)
