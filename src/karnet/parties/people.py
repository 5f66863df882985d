"""Customers: saved, found, read, exported, erased. House data beside the journal; operations name their ids (SPEC X4).

Whoever does any of it says who they are (`Looking`), and it is noted in a table to which rows are only ever added.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

import msgspec
from django.db import connection, transaction

from karnet.kernel.outcomes import Refused, bad_values
from karnet.parties.models import Customer, CustomerKey, Look
from karnet.parties.persons import CustomerDetails as CustomerDetails
from karnet.parties.persons import check_customer, search_beginnings, search_keys

LIMIT = 20
SAME_LOOK = timedelta(minutes=15)
"""A second look of the same person at the same customer within this time is not noted again: a screen asks often."""

What = Literal["found", "read", "saved", "exported", "erased"]


class Looking(msgspec.Struct, frozen=True, kw_only=True):
    """Who looks, by log-in name, and when."""

    by: str
    at: datetime


class KnownCustomer(msgspec.Struct, frozen=True, kw_only=True, tag="customer"):
    """A customer as kept. Of an erased one nothing is left but `id`, `created_at` and `erased_at`."""

    id: UUID
    details: CustomerDetails
    created_at: datetime
    erased_at: datetime | None = None

    @property
    def name(self) -> str:
        return self.details.name


class Looked(msgspec.Struct, frozen=True, kw_only=True):
    """One look at a customer's data. `what`: found (in a search), read, saved, exported, erased."""

    by: str
    what: str
    at: datetime


class PersonData(msgspec.Struct, frozen=True, kw_only=True):
    """Everything parties hold about a person, ready to be written as JSON. What others hold of the id (orders, cards)
    is theirs to add."""

    customer: KnownCustomer
    looks: tuple[Looked, ...]


def save_customer(
    customer: UUID, details: CustomerDetails, looking: Looking, country: str = ""
) -> KnownCustomer | Refused:
    """Save a customer, new or known. House data, not an operation.

    `country`: whose phone numbers those without an international prefix are. Refuses values at fault, and one erased.
    """
    checked = check_customer(details, country)
    if isinstance(checked, Refused):
        return checked
    with transaction.atomic():
        kept, _ = Customer.objects.select_for_update().get_or_create(
            id=customer, defaults={"created_at": looking.at, **msgspec.structs.asdict(checked)}
        )
        if kept.erased_at is not None:
            return bad_values({"customer": "was erased; save a new one"})
        Customer.objects.filter(id=customer).update(**msgspec.structs.asdict(checked))
        CustomerKey.objects.filter(customer=customer).delete()
        CustomerKey.objects.bulk_create(CustomerKey(customer_id=customer, key=key) for key in search_keys(checked))
        _note([customer], "saved", looking)
    return KnownCustomer(id=customer, details=checked, created_at=kept.created_at)


def same_customer(details: CustomerDetails, country: str = "") -> UUID | None:
    """Return the customer who has this phone and this surname already, None where there is none (or either is missing)."""
    checked = check_customer(details, country)
    if isinstance(checked, Refused) or not (checked.phone and checked.surname):
        return None
    asked = search_keys(CustomerDetails(surname=checked.surname, phone=checked.phone))
    rows = _rows(
        "SELECT customer_id FROM parties_customer_key WHERE key = ANY(%s) GROUP BY customer_id"
        " HAVING count(*) = %s ORDER BY customer_id LIMIT 1",
        [list(asked), len(asked)],
    )
    return rows[0][0] if rows else None


def find_customers(text: str, looking: Looking, limit: int = LIMIT) -> list[KnownCustomer]:
    """Return customers by the beginnings of the words of their name, without case and accents, by the last digits of
    their phone, or by the beginning of their e-mail.

    Answered from one index, in its order, however many customers there are. Every one found is noted.
    """
    beginnings = search_beginnings(text)
    if not beginnings:
        return []
    sql, parameters = search_query(beginnings, limit)
    # Two words of one name may begin alike: a customer is told once.
    ids = list(dict.fromkeys(row[0] for row in _rows(sql, parameters)))[:limit]
    return list(_read(ids, "found", looking).values())


def search_query(beginnings: list[str], limit: int) -> tuple[str, list[Any]]:
    """Return the search for keys that begin so, and its parameters: ranges of an index, never patterns."""
    more = "".join(
        " AND EXISTS (SELECT FROM parties_customer_key o WHERE o.customer_id = k.customer_id"
        " AND o.key >= %s AND o.key < %s)"
        for _ in beginnings[1:]
    )
    return (
        f"SELECT k.customer_id FROM parties_customer_key k WHERE k.key >= %s AND k.key < %s{more}"
        " ORDER BY k.key, k.customer_id LIMIT %s",
        [*(bound for beginning in beginnings for bound in (beginning, f"{beginning}\U0010ffff")), limit * 2],
    )


def customers(ids: Collection[UUID], looking: Looking) -> dict[UUID, KnownCustomer]:
    """Return customers by id, erased ones too; unknown ids are left out. Every one read is noted."""
    return _read(ids, "read", looking)


def known_customers(ids: Collection[UUID]) -> set[UUID]:
    """Return which of these ids are customers who were not erased: for decisions, which read no personal data."""
    return {
        row[0] for row in _rows("SELECT id FROM parties_customer WHERE id = ANY(%s) AND erased_at IS NULL", [list(ids)])
    }


def export_person(customer: UUID, looking: Looking) -> PersonData | None:
    """Return everything parties hold about a customer, None for an unknown one. Noted."""
    found = _read([customer], "exported", looking).get(customer)
    if found is None:
        return None
    looks = Look.objects.filter(customer=customer).order_by("id")
    return PersonData(customer=found, looks=tuple(Looked(by=look.by, what=look.what, at=look.at) for look in looks))


def looks_at(customer: UUID, limit: int = 50) -> list[Looked]:
    """Return the last looks at a customer's data, the latest first."""
    looks = Look.objects.filter(customer=customer).order_by("-at", "-id")[:limit]
    return [Looked(by=look.by, what=look.what, at=look.at) for look in looks]


def erase_person(customer: UUID, looking: Looking) -> KnownCustomer | None:
    """Erase a person: name, phone, e-mail, language and what they were found by are gone for good. None: unknown.

    The id stays, with the operations that name it: the record says what happened and no longer to whom. Erasing twice
    changes nothing. Backups made before still hold the data until they are thrown away.
    """
    with transaction.atomic():
        kept = Customer.objects.select_for_update().filter(id=customer).first()
        if kept is None:
            return None
        if kept.erased_at is None:
            CustomerKey.objects.filter(customer=customer).delete()
            Customer.objects.filter(id=customer).update(
                given_name="", surname="", phone="", email="", language="", erased_at=looking.at
            )
            _note([customer], "erased", looking)
        kept.refresh_from_db()
    return _customer(kept)


def _read(ids: Collection[UUID], what: What, looking: Looking) -> dict[UUID, KnownCustomer]:
    if not ids:
        return {}
    found = {kept.id: _customer(kept) for kept in Customer.objects.filter(id__in=list(ids))}
    _note(found, what, looking)
    return {id_: found[id_] for id_ in dict.fromkeys(ids) if id_ in found}


def _customer(kept: Customer) -> KnownCustomer:
    details = CustomerDetails(
        surname=kept.surname, given_name=kept.given_name, phone=kept.phone, email=kept.email, language=kept.language
    )
    return KnownCustomer(id=kept.id, details=details, created_at=kept.created_at, erased_at=kept.erased_at)


def _note(ids: Iterable[UUID], what: What, looking: Looking) -> None:
    """Note a look at each of these customers. One that only looks again within SAME_LOOK was noted already."""
    quiet = looking.at - SAME_LOOK if what in ("found", "read") else looking.at + SAME_LOOK
    _run(
        "INSERT INTO parties_look (customer_id, by, what, at) SELECT c.id, %s, %s, %s FROM unnest(%s::uuid[]) AS c(id)"
        " WHERE NOT EXISTS (SELECT FROM parties_look l WHERE l.customer_id = c.id AND l.at > %s AND l.at <= %s"
        " AND l.by = %s AND l.what = %s)",
        [looking.by, what, looking.at, list(ids), quiet, looking.at, looking.by, what],
    )


def _rows(sql: str, parameters: list[Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        found: list[Any] = cursor.fetchall()
        return found


def _run(sql: str, parameters: list[Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
