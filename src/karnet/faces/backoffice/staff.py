"""Log-ins: who may come in, as what, and whom their operations name."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from karnet.faces.backoffice.frame import MANAGES, page, typed
from karnet.faces.base.access import allow
from karnet.faces.base.roles import NAMES, Role
from karnet.faces.base.words import refusal
from karnet.kernel.outcomes import Refused
from karnet.parties.finding import all_parties
from karnet.parties.selectors import log_ins
from karnet.parties.services import AddUser, add_user, assign, set_active, set_password


@allow(*MANAGES)
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def staff(request: HttpRequest) -> HttpResponse:
    """List the log-ins; POST adds one."""
    problem = ""
    if request.method == "POST":
        answer = add_user(
            AddUser(
                username=typed(request.POST, "username"),
                role=request.POST.get("role", ""),
                password=request.POST.get("password", ""),
                operator=_operator(request),
            )
        )
        if not isinstance(answer, Refused):
            messages.success(request, _("Added."))
            return redirect("office:staff")
        problem = refusal(answer)
    operators = [party for party in all_parties() if party.kind == "operator" and "/@" not in party.code]
    context = {
        "log_ins": [(one, NAMES[Role(one.role)]) for one in log_ins()],
        "roles": NAMES.items(),
        "operators": operators,
        "problem": problem,
        "typed": request.POST,
    }
    return page(request, "staff.html", "office:staff", context, status=422 if problem else 200)


@allow(*MANAGES)
@sensitive_post_parameters("password")
@require_POST
def change(request: HttpRequest, username: str) -> HttpResponse:
    """Change a log-in: role and operator, password, or whether it may come in. Nobody changes their own role or end."""
    what = request.POST.get("what", "")
    if what != "password" and username.lower() == str(request.user).lower():
        messages.error(request, _("Nobody changes their own role, or locks themselves out. Ask another manager."))
        return redirect("office:staff")
    if what == "password":
        answer = set_password(username, request.POST.get("password", ""))
    elif what == "assign":
        answer = assign(username, request.POST.get("role", ""), _operator(request))
    else:
        answer = set_active(username, what == "let-in")
    if isinstance(answer, Refused):
        messages.error(request, refusal(answer))
    else:
        messages.success(request, _("Saved."))
    return redirect("office:staff")


def _operator(request: HttpRequest) -> UUID | None:
    try:
        return UUID(request.POST.get("operator", ""))
    except ValueError:
        return None
