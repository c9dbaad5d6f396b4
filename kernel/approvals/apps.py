"""Application of `kernel.approvals`."""

from django.apps import AppConfig


class ApprovalsConfig(AppConfig):
    name = "kernel.approvals"
    label = "approvals"
    verbose_name = "审批"

    def ready(self) -> None:
        from kernel.approvals import lapsing, telling

        lapsing.register()
        telling.register()
