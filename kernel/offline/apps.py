"""Application of `kernel.offline`."""

from django.apps import AppConfig


class OfflineConfig(AppConfig):
    name = "kernel.offline"
    label = "offline"
    verbose_name = "离线操作"

    def ready(self) -> None:
        from kernel.offline import lapsing

        lapsing.register()
