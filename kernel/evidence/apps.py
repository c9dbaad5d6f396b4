"""Application of `kernel.evidence`."""

from django.apps import AppConfig


class EvidenceConfig(AppConfig):
    name = "kernel.evidence"
    label = "evidence"
    verbose_name = "证据"
