"""The worked examples in `scenarios/tariffs`: tariffs as files, stays under them, and what they come to by hand."""

from __future__ import annotations

from pathlib import Path

import msgspec

from karnet.tariffs.model import Tariff
from karnet.tariffs.stays import Stay

FOLDER = Path(__file__).parents[4] / "scenarios" / "tariffs"


class Worked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A stay and its bill: money as text. `returned` and `kept` are what becomes of unused prepayment, where told."""

    title: str
    stay: Stay
    total: str
    due: str
    returned: str | None = None
    kept: str | None = None


class Example(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    title: str
    note: str
    tariff: Tariff
    bills: tuple[Worked, ...]


def examples() -> list[Example]:
    """Return the examples of every file, in order of file names."""
    return [
        example
        for file in sorted(FOLDER.glob("*.json"))
        for example in msgspec.json.decode(file.read_bytes(), type=list[Example])
    ]
