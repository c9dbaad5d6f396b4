"""Settings of the suite: real PostgreSQL and Redis, under a home of their own."""

import os
from pathlib import Path

os.environ.setdefault("SUOSHE_HOME", str(Path(__file__).resolve().parent.parent.parent / ".local" / "test"))
os.environ.setdefault("SUOSHE_TEST_CLOCK", "1")
# One run of the suite, workers included; two runs at once have databases of their own.
os.environ.setdefault("SUOSHE_TEST_RUN", str(os.getpid()))
os.environ.setdefault("SUOSHE_SECRET_KEY", "the-suite-needs-no-secret-" + "x" * 40)
os.environ.setdefault("SUOSHE_IDENTITY_KEY", "the-suite-needs-no-key-" + "y" * 40)

from suoshe.settings.local import *  # noqa: F403
from suoshe.settings.local import DATABASES

DEBUG = False
SUOSHE_TEST_CLOCK = True
SUOSHE_SUITE = True
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
DATABASES["default"]["TEST"] = {"NAME": f"test_{os.environ['SUOSHE_TEST_RUN']}"}
if "DATABASE_URL" not in os.environ:
    DATABASES["default"]["CONN_MAX_AGE"] = 0
SUOSHE_REQUIRE_SECOND_FACTOR = False
SUOSHE_SIGN_IN_RATE = None
SUOSHE_LINK_RATE = None
SUOSHE_TELL_RATE = None
