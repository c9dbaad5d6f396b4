"""Makes our site the default one, so that lower apps register with `django.contrib.admin.site`.

The admin's modules are imported when the URLs are read (suoshe/urls.py): worker, beat, clock and the commands
never read them, and need a third less of a core to start.
"""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin.apps import SimpleAdminConfig
from django.contrib.admin.checks import check_admin_app, check_dependencies
from django.core.checks import CheckMessage, Tags, register


class SuosheAdminConfig(SimpleAdminConfig):
    default_site = "suoshe.admin_site.SuosheAdminSite"

    def ready(self) -> None:
        register(check_dependencies, Tags.admin)
        register(check_every_admin, Tags.admin)


def check_every_admin(app_configs: Any = None, **options: Any) -> list[CheckMessage]:
    """Django's own check, of all admin classes, whether or not the URLs were read before it."""
    admin.autodiscover()
    found: list[CheckMessage] = check_admin_app(app_configs, **options)
    return found
