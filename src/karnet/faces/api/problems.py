"""Errors as problem+json (RFC 9457): every refusal in the caller's language, every other error in
English or Polish.

Members: `type` (urn:karnet:problem:<code>), `title`, `status`, `detail` (the sentence for people), `code` (stable, for
programs), `facts` (what the sentence says, as values) and, where single fields are at fault, `errors`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from django.http import HttpRequest, HttpResponse
from django.utils.translation import get_language
from django.utils.translation.trans_real import parse_accept_lang_header

from karnet.kernel.outcomes import Fact, Refused
from karnet.kernel.reason_words import LANGUAGES, words
from karnet.kernel.reasons import Reason
from karnet.parties.selectors import facilities

MEDIA_TYPE = "application/problem+json"

_NOT_FOUND = (
    Reason.UNKNOWN_GATE,
    Reason.UNKNOWN_MEDIUM,
    Reason.UNKNOWN_GRANT,
    Reason.UNKNOWN_ORDER,
    Reason.UNKNOWN_FACILITY,
    Reason.UNKNOWN_SALES_POINT,
    Reason.NO_AGREEMENT,
    Reason.UNKNOWN_CUT,
    Reason.UNKNOWN_READER,
)
_UNFIT = (
    Reason.BAD_VALUE,
    Reason.KEY_REUSED,
    Reason.UNKNOWN_PRODUCT,
    Reason.UNKNOWN_CATEGORY,
    Reason.UNKNOWN_ENTITLEMENT,
    Reason.EMPTY_SALE,
    Reason.PAYMENT_MISMATCH,
    Reason.INVOICE_DATA_MISSING,
)
STATUS: Mapping[Reason, int] = {
    **dict.fromkeys(_NOT_FOUND, 404),
    **dict.fromkeys(_UNFIT, 422),
    Reason.UNKNOWN_ACTOR: 403,
    Reason.ACTOR_RETIRED: 403,
    Reason.TOO_MANY_REFUSALS: 429,
}
"""Every other reason is a conflict with how things are: 409."""


class Problem(Exception):
    """An answer that is not the one asked for; whoever raises it says all there is to say."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        facts: Mapping[str, Fact] | None = None,
        errors: Sequence[Mapping[str, str]] = (),
        headers: Mapping[str, str] | None = None,
        display: Sequence[Mapping[str, str]] = (),
    ) -> None:
        super().__init__(detail)
        self.display = list(display)
        self.status, self.code, self.detail = status, code, detail
        self.facts, self.errors, self.headers = dict(facts or {}), list(errors), dict(headers or {})

    def body(self) -> dict[str, Any]:
        """Return the members of the problem document."""
        return {
            "type": f"urn:karnet:problem:{self.code}",
            "title": self.code.replace("_", " ").capitalize(),
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
            "facts": self.facts,
            **({"errors": self.errors} if self.errors else {}),
            **({"display": self.display} if self.display else {}),
        }

    def response(self) -> HttpResponse:
        """Return the HTTP response."""
        response = HttpResponse(msgspec.json.encode(self.body()), status=self.status, content_type=MEDIA_TYPE)
        response.headers.setdefault("Content-Language", "pl" if (get_language() or "").startswith("pl") else "en")
        for name, value in self.headers.items():
            response[name] = value
        return response


def languages(request: HttpRequest, most: int) -> list[str]:
    """Return the languages the caller likes best, at most so many, among those that we speak; English where none."""
    asked = parse_accept_lang_header(request.headers.get("Accept-Language", "")[:500])
    return list(dict.fromkeys(tag[:2] for tag, _ in asked if tag[:2] in LANGUAGES))[:most] or ["en"]


def language(request: HttpRequest) -> str:
    """Return the language the caller likes best among those that refusals are worded in."""
    return languages(request, 1)[0]


def refusal(request: HttpRequest, refused: Refused, display: Sequence[Mapping[str, str]] = ()) -> Problem:
    """Return a refusal as a problem, in the caller's language and its facility's time zone. `display`: what a display
    says of it."""
    spoken = language(request)
    home = getattr(getattr(request, "auth", None), "facility", None)
    zone = facilities([home])[home].time_zone if home else "UTC"
    facts = dict(refused.facts)
    errors: list[dict[str, str]] = []
    if refused.reason is Reason.BAD_VALUE:
        named = str(facts.pop("field", "")).split(", ")
        errors = [{"field": field, "problem": str(facts.pop(field, "is not allowed"))} for field in named if field]
    headers = {"Content-Language": spoken, "Vary": "Accept-Language"}
    if refused.reason is Reason.TOO_MANY_REFUSALS:
        headers["Retry-After"] = "60"
    return Problem(
        STATUS.get(refused.reason, 409),
        str(refused.reason),
        words(refused, spoken, zone),
        facts=facts,
        errors=errors,
        headers=headers,
        display=display,
    )
