"""Pages of the foundation: home, log-in, second factor, language, theme."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import urlencode, urlsplit

import segno
from django.conf import settings
from django.contrib import auth, messages
from django.core import signing
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django.views.i18n import set_language
from django_otp.plugins.otp_totp.models import TOTPDevice

from karnet.faces.base import lockout, second_factors
from karnet.faces.base.access import public, signed_in
from karnet.faces.base.clock import wall_now
from karnet.faces.base.context import THEME_COOKIE, THEMES
from karnet.faces.base.entrances import entrances
from karnet.faces.base.forms import CodeForm, LogInForm, RecoveryForm
from karnet.faces.base.guard import role_of
from karnet.faces.base.second_factors import second_factor
from karnet.faces.base.status_lines import lines_for

_PENDING = "log_in_pending"
_PENDING_S = 300
_YEAR_S = 365 * 24 * 3600


@signed_in
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Offer the faces that are for whoever is signed in."""
    role = role_of(request)
    assert role is not None
    offered = entrances(role)
    return render(request, "karnet/home.html", {"entrances": offered, "second_factor": second_factor(request.user)})


@public
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def log_in(request: HttpRequest) -> HttpResponse:
    """Ask for user name and password; go on to the second factor where one was set up."""
    if request.user.is_authenticated and request.method != "POST":
        return HttpResponseRedirect(_next(request))
    form = LogInForm(request.POST or None)
    if request.method != "POST" or not form.is_valid():
        return _page(request, form)
    username, password = form.cleaned_data["username"], form.cleaned_data["password"]
    if not lockout.may_try(username, client_address(request), wall_now()):
        minutes = int(lockout.WINDOW.total_seconds() // 60)
        form.add_error(None, _("Too many tries. Wait %(minutes)s minutes, or ask your manager.") % {"minutes": minutes})
        return _page(request, form, status=429)
    user = auth.authenticate(request, username=username, password=password)
    if user is None:
        form.add_error(None, _("User name or password is wrong. Check both and try again."))
        return _page(request, form, status=422)
    if second_factor(user) is not None:
        # Nobody is signed in yet; the failures stay counted until the code was right, too.
        request.session.cycle_key()
        request.session[_PENDING] = signing.dumps([user.pk, username, user.get_session_auth_hash()])
        return redirect(_with_next("karnet:log-in-code", request))
    return _enter(request, user, username)


@public
@require_http_methods(["GET", "HEAD", "POST"])
def log_in_code(request: HttpRequest) -> HttpResponse:
    """Ask whoever gave the right password for the one-time password."""
    user, username = _pending(request)
    if user is None:
        return redirect(_with_next("karnet:log-in", request))
    form = RecoveryForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        if not lockout.may_try(username, client_address(request), wall_now()):
            form.add_error(None, _("Too many tries. Wait, then log in again."))
            return _page(request, form, template="karnet/log_in_code.html", status=429)
        device = second_factor(user)
        if device is None or second_factors.right(device, form.digits, wall_now()):
            request.session.pop(_PENDING)
            return _enter(request, user, username)
        form.add_error("code", _("This code is not right. Wait for the next one and try again."))
    return _page(request, form, template="karnet/log_in_code.html", status=422 if form.errors else 200)


@public
@require_POST
def log_out(request: HttpRequest) -> HttpResponse:
    """End the session. Works for who has none, too."""
    auth.logout(request)
    return redirect("karnet:log-in")


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def set_up_second_factor(request: HttpRequest) -> HttpResponse:
    """Show a QR code for an authenticator and turn the second factor on once a code of it was right."""
    user = request.user
    if second_factor(user) is not None:
        return render(request, "karnet/second_factor_on.html", {"left": second_factors.codes_left(user)})
    if request.method == "POST":
        form, sealed = CodeForm(request.POST), request.POST.get("sealed", "")
        device = second_factors.offered(user, sealed)
        if device is None:
            messages.error(request, _("That took too long. Scan the picture again."))
            return redirect("karnet:second-factor")
        if form.is_valid():
            codes = second_factors.turn_on(device, form.digits, wall_now())
            if codes is not None:
                return _codes(request, codes)
            form.add_error("code", _("This code is not right. Wait for the next one and try again."))
    else:
        form = CodeForm()
        device, sealed = second_factors.offer(user)
    return render(
        request,
        "karnet/second_factor.html",
        {
            "form": form,
            "sealed": sealed,
            "qr": segno.make(device.config_url, error="m").svg_data_uri(scale=5, border=3, light="#fff"),
            "secret": _grouped(device),
        },
        status=422 if form.errors else 200,
    )


@signed_in
@require_POST
def remove_second_factor(request: HttpRequest) -> HttpResponse:
    """Turn the second factor off, or make new recovery codes, given a last right code."""
    form = RecoveryForm(request.POST)
    device = second_factor(request.user)
    if device is not None and not (form.is_valid() and second_factors.right(device, form.digits, wall_now())):
        messages.error(request, _("This code is not right. Wait for the next one and try again."))
        return redirect("karnet:second-factor")
    if device is not None and request.POST.get("do") == "codes":
        return _codes(request, second_factors.new_codes(request.user, wall_now()))
    if device is not None:
        second_factors.turn_off(request.user, wall_now())
    messages.success(request, _("No code is asked for any more."))
    return redirect("karnet:home")


def _codes(request: HttpRequest, codes: list[str]) -> HttpResponse:
    """Show recovery codes, the only time anybody sees them."""
    return render(request, "karnet/recovery_codes.html", {"codes": codes})


@signed_in
@require_safe
def status_lines(request: HttpRequest) -> HttpResponse:
    """What to know of the machinery, as a part of a page that asks for it again and again."""
    return render(request, "karnet/status_lines.html", {"lines": lines_for(request)})


@public
@require_POST
def choose_language(request: HttpRequest) -> HttpResponseBase:
    """Keep the language of this browser's screens and go back."""
    return set_language(request)


@public
@require_POST
def choose_theme(request: HttpRequest) -> HttpResponse:
    """Keep light, dark or what the device says for this browser's screens, and go back."""
    theme = request.POST.get("theme", "")
    response = HttpResponseRedirect(_local(request, request.POST.get("next", "")) or "/")
    if theme in THEMES:
        response.set_cookie(THEME_COOKIE, theme, max_age=_YEAR_S, samesite="Lax", secure=request.is_secure())
    return response


def _enter(request: HttpRequest, user: Any, username: str) -> HttpResponse:
    """Sign somebody in who proved who they are, and go on to what was asked for."""
    lockout.succeeded(username, client_address(request))
    auth.login(request, user, backend=settings.AUTHENTICATION_BACKENDS[0])
    request.session.clear_expired()  # Nothing else would ever delete them.
    return HttpResponseRedirect(_next(request))


def _pending(request: HttpRequest) -> tuple[Any | None, str]:
    """Return who gave the right password a moment ago, and the name as it was typed; forget who did so long ago."""
    # How long somebody may take over it is a matter of the wall clock, however fast the faces' clock runs.
    try:
        key, username, password_hash = signing.loads(request.session.get(_PENDING, ""), max_age=_PENDING_S)
    except signing.BadSignature:
        request.session.pop(_PENDING, None)
        return None, ""
    user = auth.get_user_model().objects.filter(pk=key, is_active=True).first()
    if user is None or user.get_session_auth_hash() != password_hash:
        del request.session[_PENDING]
        return None, ""
    return user, username


def _page(request: HttpRequest, form: Form, template: str = "karnet/log_in.html", status: int = 200) -> HttpResponse:
    status = 422 if form.errors and status == 200 else status
    return render(request, template, {"form": form, "next": _next(request)}, status=status)


def _next(request: HttpRequest) -> str:
    return _local(request, request.POST.get("next") or request.GET.get("next") or "") or "/"


def _local(request: HttpRequest, target: str) -> str:
    """Return an address of this site without its host; "" for one that leads elsewhere."""
    if not url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure()):
        return ""
    parts = urlsplit(target)
    return parts._replace(scheme="", netloc="").geturl() if parts.path.startswith("/") else ""


def _with_next(route: str, request: HttpRequest) -> str:
    target = _next(request)
    return reverse(route) + (f"?{urlencode({'next': target})}" if target != "/" else "")


def client_address(request: HttpRequest) -> str:
    """Return who asks. Behind a proxy it is the last address of the list: the proxy itself wrote that one."""
    forwarded = request.headers.get("X-Forwarded-For", "") if settings.KARNET_BEHIND_PROXY else ""
    return forwarded.rpartition(",")[2].strip() or str(request.META.get("REMOTE_ADDR") or "unknown")


def _grouped(device: TOTPDevice) -> str:
    secret = base64.b32encode(device.bin_key).decode().rstrip("=")
    return " ".join(secret[i : i + 4] for i in range(0, len(secret), 4))
