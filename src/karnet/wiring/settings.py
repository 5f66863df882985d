"""Django settings. Everything that differs between installations comes from the environment, set by `wiring.boot`."""

from __future__ import annotations

import os
from typing import Any

from psycopg.conninfo import conninfo_to_dict


def database(dsn: str) -> dict[str, Any]:
    """Return Django's description of a libpq URL or connection string."""
    parts = conninfo_to_dict(dsn)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.pop("dbname", "karnet"),
        "USER": parts.pop("user", ""),
        "PASSWORD": parts.pop("password", ""),
        "HOST": parts.pop("host", ""),
        "PORT": str(parts.pop("port", "") or ""),
        "CONN_MAX_AGE": None,
        # Between two requests the server may have been started again.
        "CONN_HEALTH_CHECKS": True,
        # Hot statements are few and always the same text: prepare them on the server at once.
        "OPTIONS": {**parts, "server_side_binding": True, "prepare_threshold": 3},
    }


SECRET_KEY = os.environ.get("KARNET_SECRET_KEY", "")
DEBUG = False
ALLOWED_HOSTS = os.environ.get("KARNET_ALLOWED_HOSTS", "127.0.0.1,localhost,[::1]").split(",")
DATABASES = {"default": database(os.environ.get("KARNET_DSN", "dbname=karnet"))}
# Lower slices first: tables and forms of a slice may point at those of the slices before it, never after.
INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_htmx",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "karnet.journal",
    "karnet.parties",
    "karnet.catalogue",
    "karnet.accounts",
    "karnet.capacity",
    "karnet.entitlements",
    "karnet.orders",
    "karnet.passes",
    "karnet.access",
    "karnet.lockers",
    "karnet.stays",
    "karnet.loyalty",
    "karnet.settlement",
    "karnet.federation",
    "karnet.devices",
    "karnet.faces.base",
    "karnet.faces.till",
    "karnet.faces.api",
    "karnet.faces.displays",
    "karnet.faces.portal",
    "karnet.faces.backoffice",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "karnet.faces.base.headers.SecurityHeaders",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    # Before the check of forms, which devices with a token in the header do not need.
    "karnet.faces.base.guard.RouteRules",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
ROOT_URLCONF = "karnet.wiring.urls"
AUTH_USER_MODEL = "parties.User"
AUTHENTICATION_BACKENDS = ["karnet.faces.base.log_ins.LogIns"]
LOGIN_URL = "karnet:log-in"
CSRF_FAILURE_VIEW = "karnet.faces.base.errors.csrf_failed"
CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_AGE = 14 * 3600  # A long day.
SESSION_COOKIE_NAME = "karnet_session"
CSRF_COOKIE_NAME = "karnet_csrf"
LANGUAGE_COOKIE_NAME = "karnet_language"
LANGUAGE_COOKIE_SAMESITE = "Lax"
# KARNET_HTTPS=1 says that a proxy in front speaks HTTPS and sets X-Forwarded-Proto and X-Forwarded-For.
KARNET_BEHIND_PROXY = os.environ.get("KARNET_HTTPS") == "1"
if KARNET_BEHIND_PROXY:
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = True
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = 180 * 24 * 3600
X_FRAME_OPTIONS = "DENY"
KARNET_CLOCK = os.environ.get("KARNET_CLOCK", "karnet.wiring.clock.business_now")
KARNET_REPORT_AGE_S = int(os.environ.get("KARNET_REPORT_AGE_S", "60"))
"""How old the settlement as it stands may be shown, seconds; 0 computes it for every look."""
KARNET_WALL_CLOCK = "karnet.wiring.clock.now"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("pl", "Polski"), ("ru", "Русский"), ("it", "Italiano"), ("de", "Deutsch")]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "karnet.faces.base.context.page",
            ],
        },
    }
]
STATIC_URL = "/static/"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "karnet.faces.base.static_files.HashedAddresses"},
}
# Files are served from the packages; their addresses change with their content.
WHITENOISE_USE_FINDERS = True
WHITENOISE_MAX_AGE = 7 * 24 * 3600
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LOGGING_CONFIG = None
# Only to try webhooks out on one machine: otherwise they go to public addresses over https alone.
KARNET_WEBHOOKS_TO_LOOPBACK = os.environ.get("KARNET_WEBHOOKS_TO_LOOPBACK") == "1"
