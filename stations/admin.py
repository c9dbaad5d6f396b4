"""Stations in the admin: reference rows."""

from __future__ import annotations

from django.contrib import admin

from grids.admin_access import EVERYBODY, ScopedAdmin
from grids.roles import Role
from stations.models import Station


@admin.register(Station)
class StationAdmin(ScopedAdmin):
    view_roles = EVERYBODY
    change_roles = frozenset({Role.SYSTEM_ADMIN})
    journal_stream = "station"
    list_display = ["code", "name", "kind", "community", "is_demo"]
    list_select_related = ["community"]
    list_filter = ["kind", "community"]
    search_fields = ["code", "name"]
    search_help_text = "按编码或名称查找"
    ordering = ["code"]
