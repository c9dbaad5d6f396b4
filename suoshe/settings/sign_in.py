"""Who may come in and how: passwords, lock-out, sessions, second factor (DOMAIN.md §7)."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesBackend", "django.contrib.auth.backends.ModelBackend"]
AUTH_PASSWORD_VALIDATORS: list[dict[str, Any]] = [
    {"NAME": "kernel.accounts.passwords.ThreeClassesValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ["username", "phone"]},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "/admin/"

# Device tokens: our Device replaces knox's own table.
KNOX_TOKEN_MODEL = "accounts.Device"  # noqa: S105 - a model, not a password
MIGRATION_MODULES = {"knox": None}
SUOSHE_DEVICE_TOKEN_DAYS = 90
SUOSHE_SIGN_IN_RATE: str | None = os.environ.get("SUOSHE_SIGN_IN_RATE", "120/min")  # per address
SUOSHE_PROXIES = int(os.environ.get("SUOSHE_PROXIES", "0"))  # trusted proxies in front of the web process

# Five failures of one person from one address lock that pair for 15 minutes; nobody else.
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_CLIENT_IP_CALLABLE = "kernel.accounts.addresses.client_ip"
AXES_LOCKOUT_CALLABLE = "kernel.accounts.locks.lockout_response"
AXES_HTTP_RESPONSE_CODE = 429
AXES_DISABLE_ACCESS_LOG = True  # the journal records who signed in and out
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False

# The admin.
SUOSHE_REQUIRE_SECOND_FACTOR = os.environ.get("SUOSHE_REQUIRE_SECOND_FACTOR", "1") == "1"
SUOSHE_IDLE_MINUTES = int(os.environ.get("SUOSHE_IDLE_MINUTES", "30"))
OTP_TOTP_ISSUER = "所社联动"
SESSION_COOKIE_NAME = "suoshe_session"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 12 * 3600
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
CSRF_COOKIE_NAME = "suoshe_csrf"
CSRF_COOKIE_SAMESITE = "Lax"
