"""Who stands on invoices besides companies that buy: persons, and the company behind each facility. House data."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

import msgspec

from karnet.kernel.ids import named_id
from karnet.kernel.outcomes import Refused, bad_values
from karnet.parties.models import Company, Seller
from karnet.parties.rules import CompanyDetails, check_company, check_private_buyer
from karnet.parties.services import Saved


def private_buyer_id(customer: UUID) -> UUID:
    """Return the id under which invoices name this customer."""
    return named_id("private_buyer", customer)


def save_private_buyer(customer: UUID, details: CompanyDetails) -> Saved | Refused:
    """Save what invoices say of a customer: name and address, no tax number. House data, not an operation.

    Kept apart from the customer: an invoice that was issued has to say it for as long as tax law wants, whoever was
    erased meanwhile (`forget_private_buyer`).
    """
    checked = check_private_buyer(details)
    if isinstance(checked, Refused):
        return checked
    buyer = private_buyer_id(customer)
    Company.objects.update_or_create(id=buyer, defaults=msgspec.structs.asdict(checked))
    return Saved(id=buyer, details=checked)


def keep_buyer(buyer: UUID, details: CompanyDetails) -> Saved | Refused:
    """Keep what an invoice says of a buyer that another server's till has written down, under the id that it has there.

    A company's id is made of its tax number, so it is the same everywhere; of one that is known, what is written here
    stays. House data, not an operation. Refuses values at fault, and a company under an id that is not its own.
    """
    checked = check_company(details) if details.tax_number else check_private_buyer(details)
    if isinstance(checked, Refused):
        return checked
    if details.tax_number and buyer != company_id(checked):
        return bad_values({"buyer": "is not the id of this tax number"})
    Company.objects.get_or_create(id=buyer, defaults=msgspec.structs.asdict(checked))
    return Saved(id=buyer, details=checked)


def company_id(details: CompanyDetails) -> UUID:
    """Return the id of a company: one for its country and tax number (tidied up), wherever it is written down."""
    return named_id("company", details.country, details.tax_number.removeprefix(details.country))


def forget_private_buyer(customer: UUID) -> None:
    """Erase what invoices would say of a customer. Only for one to whom none was issued: ask orders first."""
    Company.objects.filter(id=private_buyer_id(customer)).delete()


def save_seller(facility: UUID, details: CompanyDetails, since: datetime) -> CompanyDetails | Refused:
    """Save the company behind a facility from an instant on. Refuses values at fault (NIP included); what is in force
    already is not saved again."""
    checked = check_company(details)
    if isinstance(checked, Refused):
        return checked
    if sellers([facility], since).get(facility) != checked:
        Seller.objects.create(facility_id=facility, since=since, **msgspec.structs.asdict(checked))
    return checked


def sellers(facilities: Collection[UUID], at: datetime) -> dict[UUID, CompanyDetails]:
    """Return the companies behind facilities as they were at an instant; those not written down by then are left out."""
    found = (
        Seller.objects.filter(facility__in=list(facilities), since__lte=at)
        .order_by("facility", "-since", "-id")
        .distinct("facility")
    )
    return {
        row.facility_id: CompanyDetails(
            name=row.name, tax_number=row.tax_number, address=row.address, country=row.country
        )
        for row in found
    }
