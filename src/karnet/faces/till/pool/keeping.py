"""Views of what is done with a pass that was sold: instalments, renewal, its holder's code, blocks (SPEC S10, S11)."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from karnet.faces.base import words
from karnet.faces.base.clock import now
from karnet.faces.till.asking import ask, key_of
from karnet.faces.till.desk import Desk, in_shift
from karnet.faces.till.papers import set_sheet
from karnet.faces.till.pool import pass_page
from karnet.faces.till.pool.passes import kind_name, paid_with, show
from karnet.kernel.outcomes import Refused, refused
from karnet.kernel.reasons import Reason
from karnet.passes.codes import new_code
from karnet.passes.requests import BlockPass, PassNow, PayInstalments, TopUpPass, UnblockPass
from karnet.passes.selectors import PassView, pass_by_number
from karnet.passes.selling import quote
from karnet.passes.services import block, pay_instalments, top_up, unblock


@require_POST
@in_shift
def instalments(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Take the next instalments: as many as the sum that was tapped comes to; the service refuses any other."""
    known, typed = _known(request, desk), request.POST.get("amount", "")
    if known is None:
        return _unknown(request, desk)
    if not (typed.isdecimal() and len(typed) < 12 and int(typed)):
        return show(request, desk, known.number, note=_("Choose what is paid."), status=422)
    due = int(typed)
    answer: PassNow | Refused = ask(
        pay_instalments,
        lambda at: PayInstalments(
            key=key_of(request), at=at, actor=desk.operator.id, sales_point=desk.place, number=known.number,
            payments=paid_with(request, due),
        ),
    )  # fmt: skip
    if isinstance(answer, Refused):
        return show(request, desk, known.number, refusal=answer, status=422)
    done = _("Take %(amount)s. The instalments are paid.") % {"amount": words.money(due, desk.facility)}
    return show(request, desk, known.number, done=done, order=answer.order)


@require_POST
@in_shift
def renew(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Sell another term of a pass's contract; its first instalment is paid now."""
    known = _known(request, desk)
    if known is None:
        return _unknown(request, desk)
    due = quote(known.kind, contract=True).total_minor
    answer: PassNow | Refused = ask(
        top_up,
        lambda at: TopUpPass(
            key=key_of(request), at=at, actor=desk.operator.id, sales_point=desk.place, number=known.number, renew=True,
            payments=paid_with(request, due),
        ),
    )  # fmt: skip
    if isinstance(answer, Refused):
        return show(request, desk, known.number, refusal=answer, status=422)
    done = _("Take %(amount)s. The contract is renewed.") % {"amount": words.money(due, desk.facility)}
    return show(request, desk, known.number, done=done, order=answer.order)


@require_POST
@in_shift
def code(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Give the holder a new code, shown or printed this once; the one before opens nothing any more."""
    known = _known(request, desk)
    if known is None:
        return _unknown(request, desk)
    made = new_code(known.id, now())
    if request.POST.get("on") != "paper":
        return show(request, desk, known.number, code=f"{made[:3]} {made[3:]}")
    slip = HttpResponse(set_sheet("code", code_slip(known, made, desk.facility_name)), content_type="application/pdf")
    slip["Cache-Control"] = "no-store"  # It cannot be had again, and nobody else is to find it.
    return slip


def code_slip(known: PassView, made: str, facility: str) -> dict[str, Any]:
    """Return what the slip with a code says."""
    return {
        "language": words.language(), "facility": facility, "name": kind_name(known.kind), "number": known.number,
        "code": f"{made[:3]} {made[3:]}",
        "words": {
            "card": _("Card"), "code": _("Code"),
            "use": _("With both you see what is on your pass, at /pass/ of our web pages. Keep the code to yourself."),
        },
    }  # fmt: skip


@require_POST
@in_shift
def bar(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Block a pass, or lift its blocks. For supervisors and managers."""
    known, why = _known(request, desk), request.POST.get("code", "")
    if known is None:
        return _unknown(request, desk)
    if not pass_page.may_block(request):
        note = _("Only a supervisor or manager blocks passes and lifts blocks.")
        return show(request, desk, known.number, note=note, status=422)
    if why not in (*pass_page.BY_STAFF, ""):
        return show(request, desk, known.number, note=_("Choose why."), status=422)
    given: dict[str, Any] = {"key": key_of(request), "actor": desk.operator.id, "number": known.number}
    answer: PassNow | Refused
    if why:
        answer = ask(block, lambda at: BlockPass(at=at, code=why, **given))  # type: ignore[arg-type]
    else:
        answer = ask(unblock, lambda at: UnblockPass(at=at, **given))
    if isinstance(answer, Refused):
        return show(request, desk, known.number, refusal=answer, status=422)
    done = _("The pass is blocked.") if why else _("The blocks are lifted.")
    return show(request, desk, known.number, done=done)


def _known(request: HttpRequest, desk: Desk) -> PassView | None:
    number = request.POST.get("number", "").strip()[:64]
    return pass_by_number(number, desk.facility.id, now()) if number else None


def _unknown(request: HttpRequest, desk: Desk) -> HttpResponse:
    number = request.POST.get("number", "").strip()[:64]
    return show(request, desk, number, refusal=refused(Reason.UNKNOWN_PASS, number=number), status=422)
