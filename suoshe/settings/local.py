"""The embedded mode: `make run` on a bare machine (DESIGN.md §11)."""

import os

import dj_database_url

from suoshe import embedded
from suoshe.settings.base import *  # noqa: F403

DEBUG = True
SECRET_KEY = os.environ.get("SUOSHE_SECRET_KEY", "local-only-not-a-secret-" + "x" * 40)
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]"]
DATABASES = {
    "default": dj_database_url.parse(os.environ.get("DATABASE_URL") or embedded.database_url(), conn_max_age=600)
}
REDIS_URL = os.environ.get("REDIS_URL") or embedded.redis_url()
CELERY_BROKER_URL = REDIS_URL.replace("unix://", "redis+socket://").replace("?db=", "?virtual_host=")
MEDIA_ROOT = embedded.home() / "media"
SUOSHE_TEST_CLOCK = os.environ.get("SUOSHE_TEST_CLOCK") == "1"
