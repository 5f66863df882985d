"""Projection of published products."""

from __future__ import annotations

from karnet.catalogue.models import ProductVersion
from karnet.catalogue.operations import Published
from karnet.journal.operations import Recorded
from karnet.journal.projection import Insert, Write, projects
from karnet.kernel import canonical

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
