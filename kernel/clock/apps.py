"""Application of `kernel.clock`."""

from django.apps import AppConfig


class ClockConfig(AppConfig):
    name = "kernel.clock"
    label = "clock"
    verbose_name = "时钟"
