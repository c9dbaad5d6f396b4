"""Paths of grids, people and the register, with and without the final slash."""

from __future__ import annotations

from grids.api import groups, imports, people, register, task_lists, views
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
    *both_slashes("entities", register.EntityList.as_view(), "entities"),
    *both_slashes("entities/by-code/<str:code>", register.EntityByCode.as_view(), "entity-by-code"),
    *both_slashes("entities/key-changes", register.KeyChangeList.as_view(), "key-changes"),
    *both_slashes(
        "entities/key-changes/<int:pk>/withdraw", register.KeyChangeWithdraw.as_view(), "key-change-withdraw"
    ),
    *both_slashes("entities/duplicates", register.DuplicateList.as_view(), "duplicates"),
    *both_slashes("entities/duplicates/<int:pk>/judge", register.DuplicateJudge.as_view(), "duplicate-judge"),
    *both_slashes("entities/import", imports.EntityImport.as_view(), "entities-import"),
    *both_slashes("entities/import-template.xlsx", imports.EntityTemplate.as_view(), "entities-template"),
    *both_slashes("entities/imports", imports.EntityImportList.as_view(), "entities-imports"),
    *both_slashes("entities/imports/<int:pk>", imports.EntityImportDetail.as_view(), "entities-imported"),
    *both_slashes(
        "entities/imports/<int:pk>/errors.xlsx",
        imports.EntityImportErrors.as_view(),
        "entities-import-errors",
    ),
    *both_slashes("entities/export.xlsx", imports.EntityExport.as_view(), "entities-export"),
    *both_slashes("entities/<int:pk>", register.EntityDetail.as_view(), "entity"),
    *both_slashes("entities/<int:pk>/history", register.EntityHistory.as_view(), "entity-history"),
    *both_slashes("entities/<int:pk>/contacts", register.EntityContacts.as_view(), "entity-contacts"),
    *both_slashes("entities/<int:pk>/licences", register.EntityLicences.as_view(), "entity-licences"),
    *both_slashes("entities/<int:pk>/equipment", register.EntityEquipment.as_view(), "entity-equipment"),
    *both_slashes("entities/<int:pk>/reveal", register.EntityReveal.as_view(), "entity-reveal"),
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
