"""A few people of the demo who gave their names, so that a search by surname or phone finds somebody."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from karnet.entitlements.requests import NameHolder
from karnet.entitlements.selectors import last_sold_media
from karnet.entitlements.services import name_holders
from karnet.kernel.ids import named_id
from karnet.parties.people import CustomerDetails, Looking, save_customer

NAMES = (
    ("Jan", "Łącki"), ("Anna", "Kowalska-Łącka"), ("Zofia", "Świątek"), ("Piotr", "Żak"), ("Olga", "Толстая"),
    ("Luca", "D'Amato"), ("Jürgen", "Groß"), ("Mary", "O’Hara"), ("Åsa", "Lindqvist"), ("Ewa", "Nowak"),
)  # fmt: skip
PHONE = "+447700900{:03d}"
"""Numbers that are nobody's: the British regulator keeps this range for films (Ofcom)."""


def name_some(server: UUID, at: datetime) -> int:
    """Name holders of the cards that were sold last, as far as they have none; return how many there are now."""
    media = [medium for medium in last_sold_media(4 * len(NAMES)) if medium.state == "in_use"][: len(NAMES)]
    asked = []
    for n, ((given_name, surname), medium) in enumerate(zip(NAMES, media, strict=False)):
        customer = named_id("demo", "customer", n)
        details = CustomerDetails(surname=surname, given_name=given_name, phone=PHONE.format(100 + 37 * n % 900))
        save_customer(customer, details, Looking(by="demo", at=at))
        if medium.holder is None:
            asked.append(
                NameHolder(key=f"demo:holder:{medium.id}:{at:%Y%m%d}", at=at, actor=server, medium=medium.id, customer=customer)
            )  # fmt: skip
    if asked:
        name_holders(asked)
    return len(media)
