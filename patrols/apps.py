"""Application of `patrols`."""

from django.apps import AppConfig


class PatrolsConfig(AppConfig):
    name = "patrols"
    label = "patrols"
    verbose_name = "巡查检查"

    def ready(self) -> None:
        """Hear of what changes the plan, and name what is asked and told."""
        from credit import grade_changes, trial
        from grids import absences, postings, register_changes
        from kernel.evidence import access, arrivals
        from kernel.evidence import captions as watermarks
        from patrols import files, handing_on, load, over_cap, plan_notices, planning, reviews, visit_notices

        plan_notices.register()
        reviews.register()
        trial.register_effect("巡查工作量", load.effect)
        over_cap.register()
        grade_changes.on_grade_change(planning.on_grade_change)
        grade_changes.on_cause_change(planning.on_cause_change)
        register_changes.on_change(planning.on_register_change)
        postings.on_end(handing_on.hand_on_of_posting)
        absences.on_change(handing_on.hand_on_of_absence)
        visit_notices.register()
        access.register(files.SUBJECT, files.visible_ids)
        arrivals.register(files.arrived)
        watermarks.register(files.SUBJECT, files.captions)
