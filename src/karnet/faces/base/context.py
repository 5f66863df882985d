"""What every page knows."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from karnet.faces.base.roles import NAMES, Role

THEME_COOKIE = "karnet_theme"
THEMES = {"auto": _("As the device"), "light": _("Light"), "dark": _("Dark")}

LANGUAGES = (("en", "English"), ("pl", "Polski"), ("ru", "Русский"), ("it", "Italiano"), ("de", "Deutsch"))
"""Languages of the screens, in their own words (SPEC X3)."""


def page(request: HttpRequest) -> dict[str, Any]:
    """Give templates the theme, the languages and the role of whoever is signed in."""
    theme = request.COOKIES.get(THEME_COOKIE, "auto")
    user = getattr(request, "user", None)
    role = Role(user.role) if user is not None and user.is_authenticated else None
    return {
        "theme": theme if theme in THEMES else "auto",
        "themes": THEMES,
        "languages": LANGUAGES,
        "role": role,
        "role_name": NAMES[role] if role else "",
    }
