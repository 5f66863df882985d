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
    "karnet.journal",
    "karnet.parties",
    "karnet.catalogue",
    "karnet.accounts",
    "karnet.entitlements",
    "karnet.orders",
    "karnet.access",
    "karnet.settlement",
]
MIDDLEWARE = ["django.middleware.security.SecurityMiddleware", "django.middleware.common.CommonMiddleware"]
ROOT_URLCONF = "karnet.wiring.urls"
AUTH_USER_MODEL = "parties.User"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LOGGING_CONFIG = None
