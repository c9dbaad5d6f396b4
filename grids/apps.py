"""Application of `grids`."""

from django.apps import AppConfig


class GridsConfig(AppConfig):
    name = "grids"
    label = "grids"
    verbose_name = "所社联动网格"

    def ready(self) -> None:
        """Tell the kernel who administers accounts, and name the notices that this app posts."""
        from grids import (  # noqa: F401 - absences, rota, shortages register their templates
            absences,
            importing,
            key_changes,
            postings,
            rota,
            shortages,
            task_handover,
            task_notices,
        )
        from grids.access import is_administrator
        from grids.postings import make_administrator
        from grids.staffing import watcher_ids
        from kernel.accounts import rights
        from kernel.deadlines import watchers

        watchers.register(watcher_ids)
        task_notices.register()
        key_changes.register()
        importing.register()
        postings.on_end(task_handover.hand_on_of_posting)
        rights.register_administrator_test(is_administrator)
        rights.register_administrator_maker(make_administrator)
