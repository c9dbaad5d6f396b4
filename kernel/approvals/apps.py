"""Application of `kernel.approvals`."""

from django.apps import AppConfig


class ApprovalsConfig(AppConfig):
    name = "kernel.approvals"
    label = "approvals"
    verbose_name = "审批"
