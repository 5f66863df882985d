"""The API put together: its routers, what becomes of faults, and its OpenAPI 3.1 document."""

from __future__ import annotations

import importlib.metadata
from typing import Any

import structlog
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError
from pydantic.json_schema import models_json_schema

from karnet.faces.api import bands, borders, charging, gates, lockers, media, reading, selling, shifts, subscribing
from karnet.faces.api.authentication import unauthenticated
from karnet.faces.api.problems import MEDIA_TYPE, Problem
from karnet.faces.api.shapes import ProblemOut

_log = structlog.get_logger()

_ERRORS = {
    400: "The request cannot be read.",
    401: "No living token.",
    403: "The token may not do this.",
    404: "There is no such thing, or it is not the token's.",
    409: "Refused: `code` says why.",
    413: "The body is too large.",
    415: "The body is not JSON.",
    422: "Values at fault, or a key used for something else.",
    429: "Too often: wait `Retry-After` seconds.",
    503: "Try again soon, with the same key.",
}


class KarnetAPI(NinjaAPI):
    """Documents the problems that every endpoint may answer with."""

    def get_openapi_schema(self, **options: Any) -> Any:
        document = super().get_openapi_schema(**options)
        _, made = models_json_schema([(ProblemOut, "serialization")], ref_template="#/components/schemas/{model}")
        document["components"]["schemas"].update(made["$defs"])
        problem = {"content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemOut"}}}}
        for operations in document["paths"].values():
            for operation in operations.values():
                responses = operation["responses"]
                for status, description in _ERRORS.items():
                    responses.setdefault(status, {"description": description, **problem})
                if operation.pop("x-karnet-tagged", False):
                    responses[304] = {"description": "Not modified since the entity tag that was sent."}
        return document


api = KarnetAPI(
    title="Karnet",
    version=importlib.metadata.version("karnet"),
    description=(
        "Gates, media, sales, shifts, settlement and webhooks of one Karnet server. Errors are problem details"
        " (RFC 9457) in the language of `Accept-Language`. Everything that changes something takes an idempotency key."
    ),
    urls_namespace="api",
    docs_url=None,
    openapi_url="",
)
for part in (gates, borders, bands, lockers, media, selling, charging, shifts, reading, subscribing):
    api.add_router("", part.router)


@api.exception_handler(Problem)
def _problem(request: HttpRequest, problem: Problem) -> HttpResponse:
    return problem.response()


@api.exception_handler(AuthenticationError)
def _no_token(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
    return unauthenticated(_("Send a token: Authorization: Bearer knt_…")).response()


@api.exception_handler(ValidationError)
def _values(request: HttpRequest, error: ValidationError) -> HttpResponse:
    errors = [
        {"field": ".".join(map(str, _place(found["loc"]))), "problem": found["msg"]} for found in error.errors[:50]
    ]
    fields = ", ".join(dict.fromkeys(error["field"] for error in errors))[:500]
    detail = _("Values are at fault: %(fields)s.") % {"fields": fields}
    return Problem(422, "bad_value", detail, errors=errors).response()


def _place(location: Any) -> list[Any]:
    """Return where a value stands as the caller wrote it: without our names of the whole body."""
    parts = [part for part in location if part not in ("body", "path", "query", "header")]
    return parts or [location[0] if location else "request"]


@api.exception_handler(HttpError)
def _unreadable(request: HttpRequest, error: HttpError) -> HttpResponse:
    detail = _("The body is not JSON in UTF-8.") if error.status_code == 400 else str(error)
    return Problem(error.status_code, "unreadable" if error.status_code == 400 else "http_error", detail).response()


@api.exception_handler(Http404)
def _nothing(request: HttpRequest, error: Http404) -> HttpResponse:
    return Problem(404, "not_found", _("There is nothing at this address.")).response()


@api.exception_handler(OperationalError)
@api.exception_handler(InterfaceError)
def _away(request: HttpRequest, error: Exception) -> HttpResponse:
    _log.warning("the database failed a request of the API", error=str(error))
    return Problem(
        503,
        "unavailable",
        _("The database does not answer. Send the same request with the same key again."),
        headers={"Retry-After": "2"},
    ).response()


@api.exception_handler(Exception)
def _fault(request: HttpRequest, error: Exception) -> HttpResponse:
    _log.error("a fault in the API", path=request.path, exc_info=error)
    return Problem(
        500, "fault", _("A fault in Karnet. Send the same request with the same key again later.")
    ).response()
