"""What every endpoint shares: its scope, its caller, pages and entity tags."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Any, TypeVar, cast

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja import Schema
from pydantic import BaseModel

from karnet.faces.api.authentication import TokenAuth
from karnet.faces.api.problems import Problem
from karnet.faces.api.shapes import Page
from karnet.faces.api.tokens import Principal

ViewT = TypeVar("ViewT", bound=Callable[..., Any])
ItemT = TypeVar("ItemT")


def route(
    method: Callable[..., Any], path: str, scope: str, *, etag: bool = False, **options: Any
) -> Callable[[ViewT], ViewT]:
    """Register an endpoint that asks for a scope. The scope stands in the OpenAPI document as `x-karnet-scope`.

    `etag`: the endpoint answers with `tagged`, and so perhaps 304.
    """

    def register(view: ViewT) -> ViewT:
        auth = TokenAuth(scope)
        operation = method(
            path,
            auth=auth,
            operation_id=view.__name__,
            openapi_extra={"x-karnet-scope": scope, "x-karnet-tagged": etag},
            exclude_none=False,
            **options,
        )
        made = operation(view)
        queries = [m for m in made._ninja_operation.models if m.__ninja_param_source__ == "query"]
        auth.queries = frozenset(name for model in queries for name in model.model_fields)
        return cast(ViewT, made)

    return register


def caller(request: HttpRequest) -> Principal:
    """Return who calls an endpoint made by `route`."""
    principal = request.auth  # type: ignore[attr-defined]
    assert isinstance(principal, Principal)
    return principal


def paged(items: Sequence[ItemT], mark: Callable[[ItemT], str], cursor: str, limit: int) -> Page[ItemT]:
    """Return a page of a short list that is in the order of its marks; the cursor is the last mark given."""
    after = read_cursor(cursor)
    rest = [item for item in items if after is None or mark(item) > after]
    return Page(items=rest[:limit], next=make_cursor(mark(rest[limit - 1])) if len(rest) > limit else None)


def make_cursor(mark: str) -> str:
    """Return a cursor that callers hand back and do not read."""
    return base64.urlsafe_b64encode(mark.encode()).decode().rstrip("=")


def read_cursor(cursor: str) -> str | None:
    """Return the mark in a cursor; None for an empty one. Raises Problem for one that we never gave."""
    if not cursor:
        return None
    try:
        mark = base64.urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4)).decode()
    except (binascii.Error, ValueError):
        mark = ""
    if not mark or "\x00" in mark:
        raise bad_cursor()
    return mark


def bad_cursor() -> Problem:
    """Return the problem of a cursor that is none of ours."""
    return Problem(422, "bad_value", _("This cursor is none of ours: start without one."), errors=[
        {"field": "cursor", "problem": _("is not one that a page gave as next")}
    ])  # fmt: skip


def tagged(request: HttpRequest, value: BaseModel | Schema) -> HttpResponse:
    """Return a value as JSON under an entity tag, or 304 where the caller has it already (RFC 9110, 13.1.2)."""
    body = value.model_dump_json().encode()
    tag = f'"{sha256(body).hexdigest()[:32]}"'
    given = {part.strip().removeprefix("W/") for part in request.headers.get("If-None-Match", "").split(",")}
    if tag in given or "*" in given:
        response = HttpResponse(status=304)
    else:
        response = HttpResponse(body, content_type="application/json; charset=utf-8")
    response["ETag"] = tag
    response["Cache-Control"] = "private, no-cache"
    return response
