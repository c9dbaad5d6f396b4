"""Makes our site the default one, so that lower apps register with `django.contrib.admin.site`."""

from django.contrib.admin.apps import AdminConfig


class SuosheAdminConfig(AdminConfig):
    default_site = "suoshe.admin_site.SuosheAdminSite"
