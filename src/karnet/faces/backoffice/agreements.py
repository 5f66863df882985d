"""Agreements: who has signed which text, what a text says, what it changes, proposing and signing it (SPEC N9)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from karnet.faces.backoffice.frame import (
    MANAGES,
    SETTLES,
    actor_of,
    actor_titles,
    facilities,
    instant_of,
    page,
    request_key,
    typed,
)
from karnet.faces.backoffice.wording import rule_title, subject_title, value_title
from karnet.faces.base.access import allow
from karnet.faces.base.clock import now
from karnet.faces.base.words import refusal
from karnet.kernel.outcomes import Refused
from karnet.parties.selectors import operators
from karnet.settlement.rules.agreements import TextFact, in_force
from karnet.settlement.rules.comparing import differences
from karnet.settlement.rules.drafts import Draft
from karnet.settlement.selectors import (
    agreement_draft,
    agreement_in_force,
    agreement_texts,
    signatures,
)
from karnet.settlement.services import ProposeAgreement, SignAgreement, propose_agreements, sign_agreements

_LONGEST = 500_000


@allow(*SETTLES)
@require_safe
def agreements(request: HttpRequest) -> HttpResponse:
    """List every text: in force or waiting, who has signed and who has not."""
    return _list(request)


def _list(request: HttpRequest, *, draft: str = "", problem: Refused | None = None) -> HttpResponse:
    texts = agreement_texts()
    standing = {one.fact.id: one for one in in_force(texts)}
    titles = {place.id: place.title for place in facilities()}
    rows = [
        {
            "text": text,
            "in_force": standing.get(text.id),
            "signed": [titles.get(member, "?") for member in text.text.members if member in text.signed],
            "awaited": [titles.get(member, "?") for member in text.missing],
        }
        for text in reversed(texts)
    ]
    context = {
        "rows": rows,
        "draft": draft or _template(texts),
        "problem": refusal(problem) if problem else "",
        "faults": [(name, fact) for name, fact in problem.facts.items() if name != "field"] if problem else [],
    }
    return page(request, "agreements.html", "office:settlement", context, status=422 if problem else 200)


def _template(texts: list[TextFact]) -> str:
    """Return the last text as a draft to start from."""
    if not texts:
        return ""
    return msgspec.json.format(msgspec.json.encode(agreement_draft(texts[-1])), indent=2).decode()


@allow(*MANAGES)
@require_POST
def propose(request: HttpRequest) -> HttpResponse:
    """Propose a draft to its members."""
    draft = typed(request.POST, "draft", _LONGEST)
    actor = actor_of(request)
    if actor is None:
        messages.error(request, _no_operator())
        return redirect("office:agreements")
    asked = ProposeAgreement(key=request_key(request), at=instant_of(request), actor=actor, text=draft)
    (answer,) = propose_agreements([asked])
    if isinstance(answer, Refused):
        return _list(request, draft=draft, problem=answer)
    messages.success(request, _("Proposed. Now every member's manager has to sign it."))
    return redirect("office:agreement", sha256=answer.sha256)


@allow(*SETTLES)
@require_safe
def agreement(request: HttpRequest, sha256: str) -> HttpResponse:
    """Show a text, what it changes, and its signatures."""
    return _one(request, _text(sha256))


def _one(request: HttpRequest, text: TextFact, problem: str = "") -> HttpResponse:
    places = {place.id: place for place in facilities()}
    draft = agreement_draft(text)
    mine = _own_facility(request)
    signed = signatures(text.id)
    titles = actor_titles([one.actor for one in signed])
    old = _compared(text)
    context = {
        "text": text,
        "draft": draft,
        "in_force": any(one.fact.id == text.id for one in in_force(agreement_texts())),
        "rules": _rules(draft),
        "signed": [(places[one.member].title, titles[one.actor], one.at) for one in signed if one.member in places],
        "awaited": [places[member].title for member in text.missing if member in places],
        "mine": places.get(mine) if mine in text.missing else None,
        "old": old,
        "changes": [
            (subject_title(change.subject), change.name, value_title(change.old), value_title(change.new))
            for change in (differences(agreement_draft(old), draft) if old else ())
        ],
        "problem": problem,
    }
    return page(request, "agreement.html", "office:settlement", context, status=422 if problem else 200)


@allow(*MANAGES)
@require_http_methods(["POST"])
def sign(request: HttpRequest, sha256: str) -> HttpResponse:
    """Sign the text that was shown, for the facility of whoever is signed in."""
    text = _text(sha256)
    actor, facility = actor_of(request), _own_facility(request)
    if actor is None or facility is None:
        return _one(request, text, _no_operator())
    asked = SignAgreement(
        key=request_key(request),
        at=instant_of(request),
        actor=actor,
        agreement=text.id,
        facility=facility,
        sha256=typed(request.POST, "read"),
    )
    (answer,) = sign_agreements([asked])
    if isinstance(answer, Refused):
        return _one(request, text, refusal(answer))
    messages.success(
        request, _("Signed.") if answer.missing else _("Signed by all members: the agreement is in force.")
    )
    return redirect("office:agreement", sha256=sha256)


def _text(sha256: str) -> TextFact:
    found = next((text for text in agreement_texts() if text.sha256 == sha256), None)
    if found is None:
        raise Http404
    return found


def _compared(text: TextFact) -> Any:
    """Return the agreement that a text is compared with: the one it replaces, the one in force, or the one before it."""
    texts = {one.id: one for one in agreement_texts()}
    if text.text.replaces in texts:
        return texts[text.text.replaces]
    row = agreement_in_force(now())
    if row is not None and row.id != text.id:
        return row
    before = [
        one.fact for one in in_force(texts.values()) if one.valid_from < text.valid_from and one.fact.id != text.id
    ]
    return before[-1] if before else None


def _rules(draft: Draft) -> list[tuple[str, str]]:
    names = ("division", "floor", "unused", "deposit", "unreturned", "overdrawn", "second_payout", "bonus")
    rules = [(subject_title(name), value_title(str(getattr(draft, name)))) for name in names]
    limits = [("limit_refund", draft.limits.refund), ("limit_replacements", str(draft.limits.replacements))]
    return [*rules, *((rule_title(name), value) for name, value in limits)]


def _own_facility(request: HttpRequest) -> UUID | None:
    actor = actor_of(request)
    operator = operators([actor]).get(actor) if actor else None
    return operator.facility if operator else None


def _no_operator() -> str:
    return _("Your log-in belongs to no operator, and an agreement names who signs it. Ask your manager for one.")
