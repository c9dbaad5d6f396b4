"""Application of the project itself: management commands, system checks, the admin site."""

from django.apps import AppConfig


class SuosheConfig(AppConfig):
    name = "suoshe"
    label = "suoshe"
    verbose_name = "所社联动"

    def ready(self) -> None:
        from suoshe import checks  # noqa: F401 - registers them
