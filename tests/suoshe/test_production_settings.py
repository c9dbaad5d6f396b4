"""Production refuses to start insecure; what it starts with is secure."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from django.conf import settings

GOOD = {
    "DJANGO_SETTINGS_MODULE": "suoshe.settings.production",
    "SUOSHE_SECRET_KEY": "Zk3-9fQwE7uI" * 5,
    "SUOSHE_IDENTITY_KEY": "pW7_2xLrTy6M" * 5,
    "SUOSHE_HOSTS": "suoshe.example.gov.cn",
    "DATABASE_URL": "postgres://suoshe@database.invalid/suoshe",
    "REDIS_URL": "redis://redis.invalid:6379/0",
}
ASK = "from django.conf import settings as s; s.DEBUG; print({})"


def _ask(expression: str, **changed: str | None) -> subprocess.CompletedProcess[str]:
    env = {key: value for key, value in os.environ.items() if not key.startswith("SUOSHE_")}
    for key, value in {**GOOD, **changed}.items():
        env.pop(key, None)
        if value is not None:
            env[key] = value
    return subprocess.run(
        [sys.executable, "-c", ASK.format(expression)],
        cwd=settings.BASE_DIR,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"SUOSHE_SECRET_KEY": None}, "SUOSHE_SECRET_KEY"),
        ({"SUOSHE_SECRET_KEY": "short"}, "SUOSHE_SECRET_KEY"),
        ({"SUOSHE_SECRET_KEY": "django-insecure-" + "Zk3-9fQ" * 10}, "SUOSHE_SECRET_KEY"),
        ({"SUOSHE_SECRET_KEY": "x" * 80}, "SUOSHE_SECRET_KEY"),
        ({"SUOSHE_IDENTITY_KEY": None}, "SUOSHE_IDENTITY_KEY"),
        ({"SUOSHE_HOSTS": ""}, "SUOSHE_HOSTS"),
        ({"SUOSHE_HOSTS": "*"}, "SUOSHE_HOSTS"),
        ({"DATABASE_URL": None}, "DATABASE_URL"),
        ({"DATABASE_URL": "sqlite:///db.sqlite3"}, "DATABASE_URL"),
        ({"REDIS_URL": None}, "REDIS_URL"),
        ({"SUOSHE_DEBUG": "1"}, "SUOSHE_DEBUG"),
        ({"SUOSHE_TEST_CLOCK": "1"}, "SUOSHE_TEST_CLOCK"),
    ],
)
def test_it_refuses_what_is_insecure(changed: dict[str, str | None], named: str) -> None:
    done = _ask("1", **changed)
    assert done.returncode != 0
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("django.core.exceptions.ImproperlyConfigured: ")
    assert named in last


def test_what_it_starts_with() -> None:
    done = _ask(
        "(s.DEBUG, s.SESSION_COOKIE_SECURE, s.CSRF_COOKIE_SECURE, s.SECURE_SSL_REDIRECT, s.SUOSHE_TEST_CLOCK,"
        " s.SECURE_HSTS_SECONDS >= 31536000, s.CSRF_TRUSTED_ORIGINS, s.SUOSHE_REQUIRE_SECOND_FACTOR,"
        " s.CELERY_BROKER_URL)"
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(
        (
            False,
            True,
            True,
            True,
            False,
            True,
            ["https://suoshe.example.gov.cn"],
            True,
            "redis://redis.invalid:6379/0",
        )
    )
