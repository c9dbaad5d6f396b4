"""Application of `kernel.deadlines`."""

from django.apps import AppConfig


class DeadlinesConfig(AppConfig):
    name = "kernel.deadlines"
    label = "deadlines"
    verbose_name = "时限"
