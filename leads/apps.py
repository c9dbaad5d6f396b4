"""Application of `leads`."""

from django.apps import AppConfig


class LeadsConfig(AppConfig):
    name = "leads"
    label = "leads"
    verbose_name = "问题线索"

    def ready(self) -> None:
        from grids import postings
        from kernel.evidence import access, arrivals
        from kernel.evidence import captions as watermarks
        from leads import (
            after_clocks,
            answer_clocks,
            captions,
            clock_handlers,
            files,
            handover,
            intake,
            leniency_chain,
            notices,
            selectors,
            whistle_clocks,
            whistle_files,
            whistle_notices,
        )

        notices.register()
        clock_handlers.register()
        after_clocks.register()
        whistle_notices.register()
        whistle_clocks.register()
        answer_clocks.register()
        leniency_chain.register()
        postings.on_end(handover.hand_on_of_posting)
        access.register("lead", selectors.visible_lead_ids)
        watermarks.register("lead", captions.of_leads)
        access.register_uploader(intake.may_report)
        arrivals.register(files.arrived)
        access.register("whistle", whistle_files.visible_ids)
        arrivals.register(whistle_files.arrived)
        watermarks.register("whistle", whistle_files.captions)
