"""Production: everything from the environment; refuses to start insecure or half configured.

The variables are described in docs/operations.md.
"""

import os

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

from suoshe import embedded
from suoshe.settings.base import *  # noqa: F403
from suoshe.settings.base import BASE_DIR

SHORTEST_SECRET = 50
LEAST_DIFFERENT = 10


def _required(name: str) -> str:
    value = os.environ.get(name, "").strip()
    if not value:
        raise ImproperlyConfigured(f"{name} is required in production (docs/operations.md)")
    return value


def _secret(name: str) -> str:
    return _strong(name, _required(name))


def _secrets(name: str) -> str:
    """Several keys separated by commas, each as strong as one alone."""
    keys = [key.strip() for key in _required(name).split(",") if key.strip()]
    return ",".join(_strong(name, key) for key in keys) or _strong(name, "")


def _strong(name: str, value: str) -> str:
    known = any(word in value.lower() for word in ("insecure", "change-me", "changeme", "secret-key"))
    if len(value) < SHORTEST_SECRET or len(set(value)) < LEAST_DIFFERENT or known:
        raise ImproperlyConfigured(f"{name} must be random and at least {SHORTEST_SECRET} characters long")
    return value


def _hosts() -> list[str]:
    hosts = [host.strip() for host in _required("SUOSHE_HOSTS").split(",") if host.strip()]
    if any(host in {"*", "."} for host in hosts):
        raise ImproperlyConfigured("SUOSHE_HOSTS must name hosts, not '*'")
    return hosts


def _database_url() -> str:
    url = _required("DATABASE_URL")
    if not url.startswith(("postgres://", "postgresql://")):
        raise ImproperlyConfigured("DATABASE_URL must name a PostgreSQL database: there is no other")
    return url


for _forbidden in ("SUOSHE_DEBUG", "SUOSHE_TEST_CLOCK"):
    if os.environ.get(_forbidden, "0") not in {"", "0"}:
        raise ImproperlyConfigured(f"{_forbidden} must not be set in production")

DEBUG = False
SECRET_KEY = _secret("SUOSHE_SECRET_KEY")
# Seals who reported (DOMAIN.md §7): one key, or several separated by commas. The first seals, all open.
SUOSHE_IDENTITY_KEY = _secrets("SUOSHE_IDENTITY_KEY")
ALLOWED_HOSTS = _hosts()
SUOSHE_PUBLIC_URL = (os.environ.get("SUOSHE_PUBLIC_URL") or f"https://{ALLOWED_HOSTS[0].lstrip('.')}").rstrip(
    "/"
)
DATABASES = {"default": dj_database_url.parse(_database_url(), conn_max_age=600, conn_health_checks=True)}
REDIS_URL = _required("REDIS_URL")
CELERY_BROKER_URL = embedded.broker_url(REDIS_URL)

# nginx ends TLS and says so; it drops the header where a client sends it (deploy/nginx.conf).
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_SSL_REDIRECT = True
SUOSHE_PROXIES = int(os.environ.get("SUOSHE_PROXIES", "1"))  # nginx writes X-Forwarded-For
SECURE_REDIRECT_EXEMPT = [r"^healthz", r"^metrics$"]
SECURE_HSTS_SECONDS = 365 * 24 * 3600
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
CSRF_TRUSTED_ORIGINS = [
    f"https://{host.replace('.', '*.', 1) if host[0] == '.' else host}" for host in ALLOWED_HOSTS
]
SILENCED_SYSTEM_CHECKS = ["security.W021"]  # HSTS preload is for the owner of the whole domain to decide

STATIC_ROOT = os.environ.get("SUOSHE_STATIC_ROOT", str(BASE_DIR / "staticfiles"))
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
