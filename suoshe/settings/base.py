"""What every environment shares. Secrets and addresses come from the environment only."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from celery.schedules import crontab

from suoshe import logs
from suoshe.settings.look import UNFOLD  # noqa: F401
from suoshe.settings.openapi import SPECTACULAR_SETTINGS  # noqa: F401
from suoshe.settings.sign_in import *  # noqa: F403

BASE_DIR = Path(__file__).resolve().parent.parent.parent

INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "suoshe.admin_apps.SuosheAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "rest_framework",
    "knox",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "drf_standardized_errors",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
    "axes",
    "kernel.clock",
    "kernel.journal",
    "kernel.accounts",
    "kernel.notices",
    "kernel.deadlines",
    "kernel.approvals",
    "kernel.offline",
    "kernel.evidence",
    "grids",
    "credit",
    "leads",
    "patrols",
    "stations",
    "reports",
    "suoshe",
]

MIDDLEWARE = [
    "suoshe.middleware.RequestLog",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "csp.middleware.CSPMiddleware",
    "suoshe.middleware.admin_content_policy",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "kernel.accounts.middleware.SessionRules",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "suoshe.urls"
WSGI_APPLICATION = "suoshe.wsgi.application"
ASGI_APPLICATION = "suoshe.asgi.application"
APPEND_SLASH = False

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

LANGUAGE_CODE = "zh-hans"
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "Asia/Shanghai"
USE_I18N = True
USE_TZ = True

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"] if (BASE_DIR / "static").is_dir() else []
MEDIA_ROOT = os.environ.get("SUOSHE_MEDIA_ROOT", str(BASE_DIR / "media"))
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "kernel.accounts.authentication.DeviceTokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": [
        "rest_framework.permissions.IsAuthenticated",
        "kernel.accounts.permissions.PasswordIsOwn",
    ],
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_PAGINATION_CLASS": "kernel.api.CursorPages",
    "DEFAULT_SCHEMA_CLASS": "suoshe.openapi.Schema",
    "DEFAULT_PARSER_CLASSES": ["kernel.api.JsonBody"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_METADATA_CLASS": None,
    "EXCEPTION_HANDLER": "kernel.api.exception_handler",
    "URL_FORMAT_OVERRIDE": None,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}

# Nothing but ourselves; the admin alone may evaluate (suoshe/middleware.py). Map tiles are a setting.
TILE_SERVERS = [host for host in os.environ.get("SUOSHE_TILE_SERVERS", "").split(",") if host]
CONTENT_SECURITY_POLICY: dict[str, Any] = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:", "blob:", *TILE_SERVERS],
        "font-src": ["'self'", "data:"],
        "connect-src": ["'self'"],
        "media-src": ["'self'", "blob:"],
        "manifest-src": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'self'"],
        "frame-ancestors": ["'none'"],
    }
}
X_FRAME_OPTIONS = "DENY"

REDIS_PREFIX = os.environ.get("SUOSHE_REDIS_PREFIX", "suoshe:")
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 600,
    "unacked_restore_interval": 5,
    "unacked_restore_throttle": 1,
    "socket_timeout": 10,
    "socket_connect_timeout": 5,
    "socket_keepalive": True,
    "health_check_interval": 25,
    "global_keyprefix": REDIS_PREFIX,
}
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_IGNORE_RESULT = True
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 20
CELERY_TASK_TIME_LIMIT = 300
CELERY_TASK_SOFT_TIME_LIMIT = 240
CELERY_TIMEZONE = TIME_ZONE
SUOSHE_REPORT_PUSH_AT = _TELL = os.environ.get("SUOSHE_REPORT_PUSH_AT", "07:30")
CELERY_BEAT_SCHEDULE: dict[str, Any] = {
    "deadlines.sweep": {"task": "deadlines.sweep", "schedule": 1.0, "options": {"expires": 5}},
    "deadlines.audit": {"task": "deadlines.audit", "schedule": crontab(minute=17, hour="*/4")},
    "deadlines.audit_nightly": {
        "task": "deadlines.audit", "schedule": crontab(minute=40, hour=0), "kwargs": {"nightly": True}
    },
    "leads.hand_on_vacant": {"task": "leads.hand_on_vacant", "schedule": 60.0, "options": {"expires": 60}},
    "leads.bind_crossed": {"task": "leads.bind_crossed", "schedule": 30.0, "options": {"expires": 30}},
    "leads.settle_answers": {"task": "leads.settle_answers", "schedule": 10.0, "options": {"expires": 30}},
    "leads.forget_signatures": {"task": "leads.forget_signatures", "schedule": crontab(minute=25)},
    "leads.forget_reporters": {"task": "leads.forget_reporters", "schedule": crontab(minute=20, hour=3)},
    "leads.schedule_look_backs": {
        "task": "leads.schedule_look_backs", "schedule": crontab(minute=20, hour=0)
    },
    "journal.seal": {"task": "journal.seal", "schedule": crontab(minute=5, hour=0)},
    "notices.deliver": {"task": "notices.deliver", "schedule": 2.0, "options": {"expires": 30}},
    "notices.deliver_webhooks": {
        "task": "notices.deliver_webhooks", "schedule": 2.0, "options": {"expires": 30}
    },
    "notices.forget_numbers": {"task": "notices.forget_numbers", "schedule": crontab(minute=20, hour=3)},
    "evidence.make_thumbnails": {
        "task": "evidence.make_thumbnails", "schedule": 5.0, "options": {"expires": 30}
    },
    "evidence.make_watermarks": {
        "task": "evidence.make_watermarks", "schedule": 5.0, "options": {"expires": 30}
    },
    "accounts.clear_sessions": {"task": "accounts.clear_sessions", "schedule": crontab(minute=40, hour=3)},
    "offline.lapse": {
        "task": "offline.lapse",
        "schedule": crontab(minute="*/15"),
        "options": {"expires": 600},
    },
    "grids.find_duplicates": {"task": "grids.find_duplicates", "schedule": crontab(minute=10, hour=1)},
    "grids.tell_shortages": {"task": "grids.tell_shortages", "schedule": crontab(minute=0, hour="8-10")},
    "grids.wind_up_lapsed_postings": {
        "task": "grids.wind_up_lapsed_postings", "schedule": 60.0, "options": {"expires": 60}
    },
    "grids.carry_on_imports": {
        "task": "grids.carry_on_imports", "schedule": 2.0, "options": {"expires": 10}
    },
    "grids.settle_search": {"task": "grids.settle_search", "schedule": 10.0, "options": {"expires": 10}},
    "grids.forget_import_files": {
        "task": "grids.forget_import_files", "schedule": crontab(minute=30, hour=3)
    },
    "stations.bind_crossed": {
        "task": "stations.bind_crossed", "schedule": 30.0, "options": {"expires": 30}
    },
    "stations.forget_consumers": {
        "task": "stations.forget_consumers", "schedule": crontab(minute=25, hour=3)
    },
    "stations.take_kept": {"task": "stations.take_kept", "schedule": crontab(minute=10, hour=4)},
    # One task, safe at any time: what is due is computed, so a firing that was missed is made up.
    "reports.nightly": {"task": "reports.catch_up", "schedule": crontab(minute=10, hour=0)},
    "reports.tell": {"task": "reports.catch_up", "schedule": crontab(*map(int, reversed(_TELL.split(":"))))},
    "credit.regrade_dirty": {"task": "credit.regrade_dirty", "schedule": 1.0, "options": {"expires": 5}},
    "credit.trial": {"task": "credit.trial", "schedule": 2.0, "options": {"expires": 5}},
    "credit.nightly": {"task": "credit.nightly", "schedule": crontab(minute=20, hour=0)},
    "credit.catch_up": {
        "task": "credit.nightly", "schedule": crontab(minute="3-59/10"), "options": {"expires": 300}
    },
    "patrols.bind_crossed": {
        "task": "patrols.bind_crossed", "schedule": 30.0, "options": {"expires": 30}
    },
    "patrols.order_walks": {
        "task": "patrols.order_walks", "schedule": 60.0, "options": {"expires": 60}
    },
    "patrols.nightly": {"task": "patrols.nightly", "schedule": crontab(minute=40, hour=0)},
    "patrols.catch_up": {
        "task": "patrols.nightly", "schedule": crontab(minute="8-59/10"), "options": {"expires": 300}
    },
    "reports.catch_up": {
        "task": "reports.catch_up", "schedule": crontab(minute="5-59/10"), "options": {"expires": 300}
    },
}  # fmt: skip

SUOSHE_WECOM_BASE_URL = os.environ.get("SUOSHE_WECOM_BASE_URL", "https://qyapi.weixin.qq.com")
SUOSHE_DINGTALK_BASE_URL = os.environ.get("SUOSHE_DINGTALK_BASE_URL", "https://oapi.dingtalk.com")
SUOSHE_FEISHU_BASE_URL = os.environ.get("SUOSHE_FEISHU_BASE_URL", "https://open.feishu.cn")
SUOSHE_SMS_BASE_URL = os.environ.get("SUOSHE_SMS_BASE_URL", "")  # empty: no gateway
SUOSHE_SMS_KEY = os.environ.get("SUOSHE_SMS_KEY", "")
SUOSHE_SMS_SECRET = os.environ.get("SUOSHE_SMS_SECRET", "")
SUOSHE_SMS_SIGN = os.environ.get("SUOSHE_SMS_SIGN", "肥城市场监管")
# Other systems that may be told our steps: origins, separated by commas. Empty: none (docs/operations.md).
SUOSHE_WEBHOOK_HOSTS = [h.strip() for h in os.environ.get("SUOSHE_WEBHOOK_HOSTS", "").split(",") if h.strip()]
SUOSHE_INTAKE_RATE: str | None = os.environ.get("SUOSHE_INTAKE_RATE", "600/min")  # per platform and address
SUOSHE_QUIET_HOURS = os.environ.get("SUOSHE_QUIET_HOURS", "22:00-07:00")  # Shanghai
SUOSHE_ORDER_DIGEST_AT = os.environ.get("SUOSHE_ORDER_DIGEST_AT", "08:30,14:00")  # Shanghai

LOGGING = logs.config(as_json=True)
# How people outside reach this house: what single-use links in an SMS begin with. Empty: no links are sent.
SUOSHE_PUBLIC_URL = os.environ.get("SUOSHE_PUBLIC_URL", "").rstrip("/")
SUOSHE_LINK_RATE: str | None = os.environ.get("SUOSHE_LINK_RATE", "30/min")  # per address, links of SMS
SUOSHE_TELL_RATE: str | None = os.environ.get("SUOSHE_TELL_RATE", "10/hour")  # per address, 我要反映
SUOSHE_TEST_CLOCK = False
SUOSHE_SUITE = False  # only the suite's own settings say True (suoshe/checks.py)
