"""Settings, URL root, Celery application, admin site and the embedded stack."""

import gc

# Until the apps are ready (suoshe/apps.py): a fifth of every start went into walks over what stays anyway.
gc.disable()

from suoshe.celery import app as celery_app  # noqa: E402

__all__ = ["celery_app"]
