"""Application of `stations`."""

from django.apps import AppConfig


class StationsConfig(AppConfig):
    name = "stations"
    label = "stations"
    verbose_name = "维权服务站"

    def ready(self) -> None:
        """Name the clocks' handlers, the words of notices, and what is asked about disputes."""
        from kernel.evidence import access, arrivals
        from kernel.evidence import captions as watermarks
        from leads import matters
        from stations import (
            audit_rules,
            clock_handlers,
            complaints,
            files,
            intake,
            intake_notices,
            notices,
            reopening,
            surveys,
        )

        audit_rules.register()
        intake_notices.register()
        matters.on_complaint(complaints.take_new)
        access.register(files.SUBJECT, files.visible_ids)
        access.register_uploader(intake.may_take)
        arrivals.register(files.AWAITING.arrived)
        watermarks.register(files.SUBJECT, files.captions)
        clock_handlers.register()
        notices.register()
        reopening.register()
        surveys.register()
