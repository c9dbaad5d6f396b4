"""Production: everything from the environment; refuses to start insecure."""

import os

import dj_database_url

from suoshe.settings.base import *  # noqa: F403

DEBUG = False
SECRET_KEY = os.environ["SUOSHE_SECRET_KEY"]
ALLOWED_HOSTS = os.environ["SUOSHE_HOSTS"].split(",")
DATABASES = {"default": dj_database_url.parse(os.environ["DATABASE_URL"], conn_max_age=600)}
REDIS_URL = os.environ["REDIS_URL"]
CELERY_BROKER_URL = REDIS_URL
