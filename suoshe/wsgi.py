"""WSGI entry point, served by granian."""

import gc
import os

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "suoshe.settings.local")
application = get_wsgi_application()
gc.disable()  # as in suoshe/__init__.py: the views too are here to stay
# Read every view now: a broken one ends the worker at its start, and no first request pays for the rest.
_ = get_resolver().url_patterns
gc.freeze()
gc.enable()
