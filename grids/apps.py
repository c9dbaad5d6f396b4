"""Application of `grids`."""

from django.apps import AppConfig


class GridsConfig(AppConfig):
    name = "grids"
    label = "grids"
    verbose_name = "所社联动网格"

    def ready(self) -> None:
        """Tell the kernel who administers accounts, and name the notices that this app posts."""
        from grids import absences, rota, shortages  # noqa: F401 - they register their templates
        from grids.access import is_administrator
        from grids.postings import make_administrator
        from kernel.accounts import rights

        rights.register_administrator_test(is_administrator)
        rights.register_administrator_maker(make_administrator)
