"""Application of `kernel.journal`."""

from django.apps import AppConfig


class JournalConfig(AppConfig):
    name = "kernel.journal"
    label = "journal"
    verbose_name = "全程留痕"
