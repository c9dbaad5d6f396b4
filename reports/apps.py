"""Application of `reports`."""

from django.apps import AppConfig


class ReportsConfig(AppConfig):
    name = "reports"
    label = "reports"
    verbose_name = "统计通报"

    def ready(self) -> None:
        """Name the notice that this app posts."""
        from reports import telling

        telling.register()
