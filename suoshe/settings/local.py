"""The embedded mode: `make run` on a bare machine (DESIGN.md §11)."""

import os

import dj_database_url

from suoshe import embedded, logs
from suoshe.settings.base import *  # noqa: F403

DEBUG = os.environ.get("SUOSHE_DEBUG", "1") == "1"
SECRET_KEY = os.environ.get("SUOSHE_SECRET_KEY") or embedded.secret(embedded.home(), "secret_key")
SUOSHE_IDENTITY_KEY = os.environ.get("SUOSHE_IDENTITY_KEY") or embedded.secret(
    embedded.home(), "identity_key"
)
ALLOWED_HOSTS = [
    "localhost",
    "127.0.0.1",
    "[::1]",
    *filter(None, os.environ.get("SUOSHE_HOSTS", "").split(",")),
]
DATABASES = {
    "default": dj_database_url.parse(
        os.environ.get("DATABASE_URL") or embedded.database_url(), conn_max_age=600, conn_health_checks=True
    )
}
REDIS_URL = os.environ.get("REDIS_URL") or embedded.redis_url()
CELERY_BROKER_URL = embedded.broker_url(REDIS_URL)
MEDIA_ROOT = os.environ.get("SUOSHE_MEDIA_ROOT") or str(embedded.home() / "media")
# Static files are served from where they lie: nothing to collect, nothing to go stale.
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False
LOGGING = logs.config(as_json=False)
SUOSHE_PUBLIC_URL = os.environ.get("SUOSHE_PUBLIC_URL", "http://127.0.0.1:8000").rstrip("/")
SUOSHE_TEST_CLOCK = os.environ.get("SUOSHE_TEST_CLOCK") == "1"
SUOSHE_REQUIRE_SECOND_FACTOR = os.environ.get("SUOSHE_REQUIRE_SECOND_FACTOR") == "1"
