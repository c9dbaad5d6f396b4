"""Settings, URL root, Celery application, admin site and the embedded stack."""

from suoshe.celery import app as celery_app

__all__ = ["celery_app"]
