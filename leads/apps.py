"""Application of `leads`."""

from django.apps import AppConfig


class LeadsConfig(AppConfig):
    name = "leads"
    label = "leads"
    verbose_name = "问题线索"

    def ready(self) -> None:
        from grids import postings
        from kernel import approvals
        from kernel.evidence import access, arrivals
        from kernel.evidence import captions as watermarks
        from leads import (
            after_clocks,
            answer_clocks,
            approving,
            audit_rules,
            captions,
            clock_handlers,
            files,
            handing_back,
            handover,
            instructions,
            intake,
            interim,
            leniency_chain,
            notices,
            pauses,
            reclassification,
            rejection,
            request_notices,
            selectors,
            tip_offs,
            whistle_clocks,
            whistle_files,
            whistle_notices,
            whistle_reminders,
        )

        audit_rules.register()
        notices.register()
        clock_handlers.register()
        after_clocks.register()
        interim.register()
        whistle_notices.register()
        whistle_reminders.register()
        whistle_clocks.register()
        answer_clocks.register()
        leniency_chain.register()
        tip_offs.register()
        handing_back.register()
        approvals.register_subject("lead", approving.seen_leads)
        request_notices.register()
        pauses.register()
        rejection.register()
        reclassification.register()
        instructions.register()
        postings.on_end(handover.hand_on_of_posting)
        access.register("lead", selectors.visible_lead_ids)
        watermarks.register("lead", captions.of_leads)
        access.register_uploader(intake.may_report)
        arrivals.register(files.AWAITING.arrived)
        access.register("whistle", whistle_files.visible_ids)
        arrivals.register(whistle_files.AWAITING.arrived)
        watermarks.register("whistle", whistle_files.captions)
