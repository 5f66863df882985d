"""Sales as documents, frozen: in the language of the printer, with the names of that moment."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from uuid import UUID

from karnet.catalogue.selectors import Version, product_versions
from karnet.devices.documents import Document, Kind, Line, Paid
from karnet.devices.words import GOODS, said
from karnet.kernel.time import zone
from karnet.orders.receipts import MadeReturn, Receipt, ReceiptLine
from karnet.parties.invoicing import sellers
from karnet.parties.selectors import companies, facilities, names
from karnet.passes.operations import kind_id
from karnet.passes.selectors import kinds

_CATEGORIES = {
    "reduced": ("ulgowy", "reduced", "льготный", "ridotto", "ermäßigt"),
    "child": ("dziecko", "child", "детский", "bambino", "Kind"),
    "youth": ("młodzież", "youth", "молодёжный", "ragazzi", "Jugend"),
    "student": ("student", "student", "студенческий", "studenti", "Studierende"),
    "senior": ("senior", "senior", "для пенсионеров", "senior", "Senioren"),
}  # fmt: skip


Names = Mapping[str, str]
"""A name by language code."""


def receipt_documents(
    sold: Collection[Receipt], languages: Mapping[UUID, str], kind: Kind = "receipt"
) -> dict[UUID, Document]:
    """Return the document of each order, in the language given for it ("pl" where none is). A handful of statements."""
    orders = [one.order for one in sold]
    versions = product_versions({line.product for one in sold for line in one.lines})
    places = facilities({order.facility for order in orders})
    called = names({order.facility for order in orders} | {order.operator for order in orders})
    buyers = companies({order.buyer for order in orders if order.buyer is not None})
    passes = _pass_names(
        {line.product for one in sold for line in one.lines if line.product_code not in GOODS} - versions.keys(), places
    )
    latest = {order.facility: order.at for order in sorted(orders, key=lambda order: order.at)}
    heads = {
        facility: heading(facility, called.get(facility, places[facility].code), at) for facility, at in latest.items()
    }
    found = {}
    for one in sold:
        order, language = one.order, languages.get(one.order.id, "pl")
        buyer = buyers.get(order.buyer) if order.buyer else None
        place = places[order.facility]
        found[order.id] = Document(
            kind=kind,
            number=order.number,
            at=order.at.astimezone(zone(place.time_zone)),
            currency=order.currency,
            heading=heads[order.facility],
            operator=called.get(order.operator, ""),
            language=language,
            lines=tuple(_line(line, versions, passes, language) for line in one.lines),
            payments=tuple(Paid(kind=paid.kind, amount=paid.amount, tendered=paid.tendered) for paid in one.payments),
            deposit=order.deposit,
            buyer_tax_number=buyer.tax_number if buyer else "",
        )
    return found


def return_document(returned: MadeReturn, number: str, language: str) -> Document:
    """Return the slip of a return."""
    place = facilities([returned.facility])[returned.facility]
    called = names([returned.facility, returned.operator])
    return Document(
        kind="return",
        number=number,
        at=returned.at.astimezone(zone(place.time_zone)),
        currency=returned.currency,
        heading=heading(returned.facility, called.get(returned.facility, place.code), returned.at),
        operator=called.get(returned.operator, ""),
        language=language,
        payments=(Paid(kind=returned.refund_kind, amount=returned.refund),),
        refund=returned.refund,
    )


def heading(facility: UUID, name: str, at: datetime) -> tuple[str, ...]:
    """Return who sells, as the head of a slip says it: the facility, and the company behind it as it was then."""
    company = sellers([facility], at).get(facility)
    if company is None:
        return (name,)
    return (name, company.name, *company.address.splitlines(), f"NIP {company.tax_number}")


def _line(line: ReceiptLine, versions: Mapping[UUID, Version], passes: Mapping[UUID, Names], language: str) -> Line:
    name = said(line.product_code, GOODS, language)
    if line.product_code not in GOODS and line.product in passes:
        name = _in(passes[line.product], language, line.product_code)
    version = versions.get(line.product)
    if version is not None and version.product.code == line.product_code:
        product = version.product
        name = _in(product.names, language, product.code)
        if len(product.prices) > 1 and line.category in _CATEGORIES:
            name = f"{name}, {said(line.category, _CATEGORIES, language)}"
    return Line(name=name, quantity=line.quantity, unit_price=line.unit_price, amount=line.amount, vat_bp=line.vat_bp)


def _pass_names(unknown: Collection[UUID], places: Collection[UUID]) -> dict[UUID, Names]:
    """Return what kinds of passes are called, by the id that lines name; nothing is asked where nothing is unknown."""
    return {kind_id(*key): kind.names for key, kind in kinds(places).items()} if unknown else {}


def _in(called: Names, language: str, code: str) -> str:
    return called.get(language) or called.get("en") or next(iter(called.values()), code)
