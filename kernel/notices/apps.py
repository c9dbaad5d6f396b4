"""Application of `kernel.notices`."""

from django.apps import AppConfig


class NoticesConfig(AppConfig):
    name = "kernel.notices"
    label = "notices"
    verbose_name = "通知"
