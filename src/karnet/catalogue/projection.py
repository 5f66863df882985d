"""Projection of published products and tariffs."""

from __future__ import annotations

from karnet.catalogue.models import ProductVersion, TariffVersion
from karnet.catalogue.operations import Published, TariffPublished
from karnet.journal.operations import Recorded
from karnet.journal.projection import Insert, Write, projects
from karnet.kernel import canonical
from karnet.tariffs.model import to_json

VERSION = Insert(
    ProductVersion,
    [
        "id", "facility", "code", "kind", "currency", "on_sale_from", "on_sale_until", "definition", "origin", "number",
    ],
)  # fmt: skip


@projects(Published)
def published(body: Published, recorded: Recorded, write: Write) -> None:
    for product in body.products:
        write(
            VERSION,
            (
                product.id,
                body.facility,
                product.code,
                product.kind,
                body.currency,
                body.on_sale_from,
                body.on_sale_until,
                canonical.encode(product),
                recorded.origin,
                recorded.number,
            ),
        )


TARIFF = Insert(TariffVersion, ["id", "facility", "code", "in_force_from", "definition", "origin", "number"])


@projects(TariffPublished)
def tariff_published(body: TariffPublished, recorded: Recorded, write: Write) -> None:
    write(
        TARIFF,
        (
            body.id, body.facility, body.tariff.code, body.in_force_from, to_json(body.tariff), recorded.origin,
            recorded.number,
        ),
    )  # fmt: skip
