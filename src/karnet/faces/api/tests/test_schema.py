"""The OpenAPI document against the application: schemathesis makes requests of it, good and bad, and judges answers."""

from __future__ import annotations

import json
from typing import Any

import hypothesis
import pytest
import schemathesis
from django.core.wsgi import get_wsgi_application
from hypothesis import HealthCheck, Phase
from schemathesis.config import SchemathesisConfig
from schemathesis.generation import GenerationMode

from karnet.faces.api import authentication
from karnet.faces.api.application import api
from karnet.faces.api.tests.conftest import LIFT, TURNSTILE, Api, World, sale
from karnet.faces.api.urls import _document

pytestmark = pytest.mark.database

EXAMPLES = 12
CONFIG = SchemathesisConfig.from_dict(
    {
        "checks": {
            # A well-formed request may still be refused: a product that is not on sale, a key used before.
            "positive_data_acceptance": {"expected-statuses": ["2xx", 304, 401, 403, 404, 409, 422, 429]},
            "negative_data_rejection": {"expected-statuses": [400, 401, 403, 404, 405, 409, 413, 415, 422, 429]},
        }
    }
)
schema = schemathesis.openapi.from_dict(json.loads(_document()), config=CONFIG)
schema.app = get_wsgi_application()
schema.config.update(base_url="http://localhost/")


@pytest.fixture
def caller(world: World) -> Api:
    """A token that may do everything, often; a card, a sale and a grant to meet."""
    _, caller = world.token(per_minute=1_000_000)
    assert caller.post("/sales", sale("1001", "1002")).status_code == 201
    assert caller.post(f"/gates/{TURNSTILE}/scans", {"chip": "chip-1001"}).status_code == 200
    return caller


def test_the_document_is_openapi_3_1_and_names_every_operation_once() -> None:
    document = json.loads(_document())
    assert document["openapi"].startswith("3.1")
    ids = [operation["operationId"] for path in document["paths"].values() for operation in path.values()]
    assert len(ids) == len(set(ids)) == sum(len(view.operations) for view in _views())
    for path in document["paths"].values():
        for operation in path.values():
            assert operation["description"], operation["operationId"]


def test_the_document_says_which_answers_carry_an_entity_tag(caller: Api) -> None:
    document = json.loads(_document())
    addresses = {"/media": {"chip": "chip-1001"}, "/media/{number}": {}, "/products": {}, "/journal": {}}
    for path, operations in document["paths"].items():
        short = path.removeprefix("/api/v1")
        if short in addresses:
            answer = caller.get(short.replace("{number}", "1001"), addresses[short])
            assert "ETag" in answer, short
            assert "304" in operations["get"]["responses"], short
        assert "x-karnet-tagged" not in json.dumps(operations)


def _views() -> list[Any]:
    return [view for bound in api._get_bound_routers() for view in bound.path_operations.values()]


@schema.parametrize()
@hypothesis.settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_nothing_answers_otherwise_than_the_document_says(case: Any, caller: Api) -> None:
    authentication.RATE.clear()
    authentication.GUESSES.clear()
    if case.meta.generation.mode is GenerationMode.POSITIVE:
        _lead_somewhere(case)
    case.call_and_validate(headers={"Authorization": f"Bearer {caller.text}"})


def _lead_somewhere(case: Any) -> None:
    """Chance never meets an id that exists: let some requests name things that do."""
    parameters = case.path_parameters or {}
    if "gate" in parameters:
        parameters["gate"] = str(LIFT)
    if "number" in parameters:
        parameters["number"] = "1002"
