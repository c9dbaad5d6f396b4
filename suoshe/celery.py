"""The Celery application. Tasks take ids, make one call and return; they never hold a deadline."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "suoshe.settings.local")

app = Celery("suoshe")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
