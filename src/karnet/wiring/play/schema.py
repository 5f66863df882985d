"""The JSON Schema of a scenario's steps, made from the structs: docs/scenarios.schema.json is what this prints.

python -m karnet.wiring.play.schema > docs/scenarios.schema.json
"""

from __future__ import annotations

import json
import sys
from typing import Any

import msgspec

from karnet.wiring.play.steps import AnyStep


def schema() -> dict[str, Any]:
    """Return the schema (draft 2020-12) of one line of a scenario."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A step of a Karnet scenario",
        "description": "One line of a scenario file. See scenarios.md.",
        **msgspec.json.schema(AnyStep),
    }


def text() -> str:
    """Return the schema as it is kept in docs."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(text())
