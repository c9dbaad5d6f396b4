"""The Celery application. Tasks take ids, make one call and return; they never hold a deadline."""

import os
from typing import Any

from celery import Celery
from celery.signals import setup_logging

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "suoshe.settings.local")

app = Celery("suoshe")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def keep_our_logging(**_: Any) -> None:
    """Celery leaves logging to Django's `LOGGING` where someone answers this signal."""
