"""Paths of grids, people and the register, with and without the final slash."""

from __future__ import annotations

from grids.api import groups, people, task_lists, views
from kernel.api import both_slashes

urlpatterns = [
    *both_slashes("grids", views.GridList.as_view(), "grids"),
    *both_slashes("grids.geojson", views.GridsGeoJson.as_view(), "grids-geojson"),
    *both_slashes("grids/locate", views.Locate.as_view(), "grids-locate"),
    *both_slashes("grids/<str:code>", views.GridDetail.as_view(), "grid"),
    *both_slashes("grids/<str:code>/tasks", task_lists.TaskList.as_view(), "grid-tasks"),
    *both_slashes("grids/<str:code>/tasks/<int:pk>", task_lists.TaskDetail.as_view(), "grid-task"),
    *both_slashes("grids/<str:code>/tasks/<int:pk>/done", task_lists.TaskDone.as_view(), "grid-task-done"),
    *both_slashes(
        "grids/<str:code>/tasks/<int:pk>/cancel", task_lists.TaskCancel.as_view(), "grid-task-cancel"
    ),
    *both_slashes(
        "grids/<str:code>/responsibilities", groups.Responsibilities.as_view(), "grid-responsibilities"
    ),
    *both_slashes("grids/<str:code>/work-group", groups.WorkGroupDetail.as_view(), "grid-work-group"),
    *both_slashes("communities", views.CommunityList.as_view(), "communities"),
    *both_slashes("offices", views.OfficeList.as_view(), "offices"),
    *both_slashes("departments", views.DepartmentList.as_view(), "departments"),
    *both_slashes("entities", views.EntityList.as_view(), "entities"),
    *both_slashes("entities/by-code/<str:code>", views.EntityByCode.as_view(), "entity-by-code"),
    *both_slashes("entities/<int:pk>", views.EntityDetail.as_view(), "entity"),
    *both_slashes("absences", people.AbsenceList.as_view(), "absences"),
    *both_slashes("absences/<int:pk>", people.AbsenceDetail.as_view(), "absence"),
    *both_slashes("absences/<int:pk>/end", people.AbsenceEnd.as_view(), "absence-end"),
    *both_slashes("duty-shifts", people.DutyShiftList.as_view(), "duty-shifts"),
    *both_slashes("duty-shifts/import", people.DutyShiftImport.as_view(), "duty-shifts-import"),
    *both_slashes("duty-shifts/template.xlsx", people.DutyShiftTemplate.as_view(), "duty-shifts-template"),
    *both_slashes("duty-shifts/export.xlsx", people.DutyShiftExport.as_view(), "duty-shifts-export"),
    *both_slashes("duty-shifts/<int:pk>", people.DutyShiftDetail.as_view(), "duty-shift"),
    *both_slashes("duty-shifts/<int:pk>/swap", people.DutyShiftSwap.as_view(), "duty-shift-swap"),
]
