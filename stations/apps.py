"""Application of `stations`."""

from django.apps import AppConfig


class StationsConfig(AppConfig):
    name = "stations"
    label = "stations"
    verbose_name = "维权服务站"

    def ready(self) -> None:
        """Name the clocks' handlers, the words of notices, and what is asked about disputes."""
        from stations import clock_handlers, notices, reopening

        clock_handlers.register()
        notices.register()
        reopening.register()
