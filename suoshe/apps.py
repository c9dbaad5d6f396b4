"""Application of the project itself: management commands, system checks, the admin site."""

import gc

from django.apps import AppConfig


class SuosheConfig(AppConfig):
    name = "suoshe"
    label = "suoshe"
    verbose_name = "所社联动"

    def ready(self) -> None:
        """The last app of all: what is loaded by now stays, and the collector need never look at it again."""
        from suoshe import checks  # noqa: F401 - registers them

        gc.freeze()
        gc.enable()
