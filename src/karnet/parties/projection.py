"""Projection of parties. The forms' order (facility, operator, sales point) is that of their foreign keys."""

from __future__ import annotations

from karnet.journal.operations import Recorded
from karnet.journal.projection import Insert, Write, projects
from karnet.parties import models, operations

FACILITY = Insert(models.Facility, ["actor", "code", "currency", "time_zone"])
OPERATOR = Insert(models.Operator, ["actor", "facility", "code"])
SALES_POINT = Insert(models.SalesPoint, ["actor", "facility", "code", "kind", "operator"])


@projects(operations.Facility)
def facility(part: operations.Facility, recorded: Recorded, write: Write) -> None:
    write(FACILITY, (part.id, part.code, part.currency, part.time_zone))


@projects(operations.Operator)
def operator(part: operations.Operator, recorded: Recorded, write: Write) -> None:
    write(OPERATOR, (part.id, part.facility, part.code))


@projects(operations.SalesPoint)
def sales_point(part: operations.SalesPoint, recorded: Recorded, write: Write) -> None:
    write(SALES_POINT, (part.id, part.facility, part.code, part.kind, part.operator))
