"""Application of `patrols`."""

from django.apps import AppConfig


class PatrolsConfig(AppConfig):
    name = "patrols"
    label = "patrols"
    verbose_name = "巡查检查"
