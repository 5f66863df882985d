"""Log-ins: who may come in, as what, and whom their operations name."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from karnet.faces.backoffice.frame import MANAGES, page, typed
from karnet.faces.base import second_factors
from karnet.faces.base.access import allow
from karnet.faces.base.clock import wall_now
from karnet.faces.base.roles import NAMES, Role
from karnet.faces.base.words import refusal
from karnet.kernel.outcomes import Refused
from karnet.parties.finding import all_parties
from karnet.parties.selectors import log_ins, sales_points
from karnet.parties.services import AddUser, add_user, assign, set_active, set_password

SHOWN = 20
EVENTS = {
    "on": gettext_lazy("second factor turned on"),
    "off": gettext_lazy("second factor turned off"),
    "reset": gettext_lazy("second factor taken off"),
    "recovered": gettext_lazy("came in with a recovery code"),
    "codes": gettext_lazy("new recovery codes"),
}


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
                operator=_party(request, "operator"),
                sales_point=_party(request, "sales_point"),
            )
        )
        if not isinstance(answer, Refused):
            messages.success(request, _("Added."))
            return redirect("office:staff")
        problem = refusal(answer)
    parties = all_parties()
    operators = [party for party in parties if party.kind == "operator" and "/@" not in party.code]
    points = sales_points([party.id for party in parties if party.kind == "sales_point"])
    partners = [party for party in parties if party.id in points and points[party.id].kind == "partner"]
    context = {
        "log_ins": [(one, NAMES[Role(one.role)]) for one in log_ins()],
        "protected": second_factors.protected(),
        "events": [(event, EVENTS.get(event.what, event.what)) for event in second_factors.events(SHOWN)],
        "partners": partners,
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
    if what == "second-factor":
        if second_factors.reset(username, request.user, wall_now()):
            messages.success(request, _("The second factor is off. It is on record that you took it off."))
        else:
            messages.error(request, _("This log-in has no second factor."))
        return redirect("office:staff")
    if what == "password":
        answer = set_password(username, request.POST.get("password", ""))
    elif what == "assign":
        answer = assign(
            username, request.POST.get("role", ""), _party(request, "operator"), _party(request, "sales_point")
        )
    else:
        answer = set_active(username, what == "let-in")
    if isinstance(answer, Refused):
        messages.error(request, refusal(answer))
    else:
        messages.success(request, _("Saved."))
    return redirect("office:staff")


def _party(request: HttpRequest, field: str) -> UUID | None:
    try:
        return UUID(request.POST.get(field, ""))
    except ValueError:
        return None
