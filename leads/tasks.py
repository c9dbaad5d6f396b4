"""Celery entry points of leads."""

from celery import shared_task

from leads import answers, files, handover, look_backs, platforms, reporters, whistle_files


@shared_task(name="leads.hand_on_vacant")
def hand_on_vacant() -> None:
    """Hand on leads whose owner's posting has ended by its date. Safe to run twice."""
    handover.sweep_vacant()


@shared_task(name="leads.bind_crossed")
def bind_crossed() -> None:
    """Bind files whose upload crossed with their naming. Safe to run twice."""
    files.AWAITING.bind_crossed()
    whistle_files.AWAITING.bind_crossed()


@shared_task(name="leads.settle_answers")
def settle_answers() -> None:
    """Note which SMS to citizens arrived, and answer whose lead was merged. Safe to run twice."""
    answers.settle_sms()
    answers.answer_merged()


@shared_task(name="leads.forget_reporters")
def forget_reporters() -> None:
    """Remove reporters' identities that were kept long enough. Safe to run twice."""
    reporters.KEEPING.forget_expired()


@shared_task(name="leads.schedule_look_backs")
def schedule_look_backs() -> None:
    """Schedule any look-back that is missing: none is ever forgotten. Safe to run twice."""
    look_backs.schedule_missing()


@shared_task(name="leads.forget_signatures")
def forget_signatures() -> None:
    """Forget signatures of other platforms whose time has passed. Safe to run twice."""
    platforms.forget_signatures()
