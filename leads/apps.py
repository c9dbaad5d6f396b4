"""Application of `leads`."""

from django.apps import AppConfig


class LeadsConfig(AppConfig):
    name = "leads"
    label = "leads"
    verbose_name = "问题线索"

    def ready(self) -> None:
        from grids import postings
        from kernel.evidence import access, arrivals
        from leads import clock_handlers, files, handover, intake, notices, selectors

        notices.register()
        clock_handlers.register()
        postings.on_end(handover.hand_on_of_posting)
        access.register("lead", selectors.visible_lead_ids)
        access.register_uploader(intake.may_report)
        arrivals.register(files.arrived)
