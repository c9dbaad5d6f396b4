"""Whistles (社区吹哨、部门报到): who called whom to what place, and what each department did."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models
from django.db.models import Exists, F, OuterRef, Q

from grids.access import scope_of, within
from grids.models import Department, Grid
from kernel.evidence.models import Evidence
from leads.models.choices import Side
from leads.models.department import DepartmentContact, DepartmentPolicy
from leads.models.lead import Lead
from leads.whistle_states import WAITING, Answer, CallState, How, WhistleState

if TYPE_CHECKING:
    from kernel.accounts.models import User

TELLABLE = Q(lead__isnull=True) | Q(lead__restricted=False)
"""Not of a tip-off: none is ever made, and one about a lead that became a tip-off is shown to nobody."""
USER: Any = settings.AUTH_USER_MODEL


def _person(label: str, **more: Any) -> Any:
    return models.ForeignKey(USER, verbose_name=label, on_delete=models.PROTECT, related_name="+", **more)


class WhistleQuerySet(models.QuerySet["Whistle"]):
    def visible_to(self, user: User) -> WhistleQuerySet:
        """The only door to whistles: who serves the grid, the departments called, who called, a section
        for leads of its trade, the bureau. Default is nothing."""
        scope = scope_of(user)
        if scope.sees_all:
            return self.filter(TELLABLE)
        if scope.business_nothing:
            return self.none()
        seen = within(scope) | Q(called_by_id=scope.user_id)
        if scope.department_ids:
            called = WhistleCall.objects.filter(
                whistle=OuterRef("pk"), department_id__in=scope.department_ids
            )
            seen |= Q(Exists(called))
        if scope.sections:
            seen |= Q(lead__category__section__in=scope.sections)
        return self.filter(TELLABLE, seen)


class Whistle(models.Model):
    """One whistle: a grid's people call one department or several to a place, with a lead or without.

    Never for a restricted lead (举报; a trigger). `reason` and `place` hold no telephone or identity
    number (masked when written) and are the only free words that a department reads. `side` is the side
    on which the caller stood; that side enters what departments say by telephone, and closes.
    `telephone` is the caller's office telephone for calling back, shown on the department's page.
    """

    lead = models.ForeignKey(
        Lead, verbose_name="线索", null=True, on_delete=models.PROTECT, related_name="whistles"
    )
    grid = models.ForeignKey(Grid, verbose_name="网格", on_delete=models.PROTECT, related_name="whistles")
    side = models.CharField("吹哨方", max_length=10, choices=Side)
    called_by = _person("吹哨人")
    on_behalf_of = _person("代谁吹哨", null=True)
    reason = models.CharField("吹哨事由", max_length=500)
    place = models.CharField("地点", max_length=200, blank=True)
    telephone = models.CharField("回拨电话", max_length=20, blank=True)
    client_uid = models.UUIDField("客户端编号")
    content_digest = models.CharField("吹哨内容校验值", max_length=64)
    state = models.CharField("状态", max_length=8, choices=WhistleState, default=WhistleState.OPEN)
    version = models.PositiveIntegerField("版本", default=1)
    called_at = models.DateTimeField("吹哨时间")
    closed_at = models.DateTimeField("结束时间", null=True)
    closed_by = _person("结束人", null=True)
    close_note = models.CharField("结束说明", max_length=500, blank=True)

    objects = WhistleQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "社区吹哨"
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["called_by", "client_uid"], name="leads_whistle_one_client_uid"),
            models.CheckConstraint(
                condition=Q(state="closed", closed_at__isnull=False, closed_by__isnull=False)
                | Q(state="open", closed_at__isnull=True, closed_by__isnull=True, close_note=""),
                name="leads_whistle_closed_when_said",
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="leads_whistle_says_why"),
        ]
        indexes = [
            models.Index(fields=["grid", "-id"], name="leads_whistles_by_grid"),
            models.Index(fields=["called_at"], name="leads_whistles_by_time"),
        ]

    def __str__(self) -> str:
        return f"吹哨 {self.pk}"

    @property
    def stream(self) -> str:
        return f"whistle:{self.pk}"


ANSWERED = Q(answered_at__isnull=False) & ~Q(answer="")
THERE = Q(checked_in_at__isnull=False)
NOT_THERE = Q(checked_in_at__isnull=True)


class WhistleCall(models.Model):
    """One department called by one whistle.

    `answered_at` is the first answer (coming counts as one) and never changes, whatever is said later.
    `answer_due_at` and `on_site_due_at` are set where `policy` (a joint notice) sets a limit, else no
    clock runs. `*_late` are written by the clock alone. A declined call counts apart.
    """

    whistle = models.ForeignKey(Whistle, verbose_name="吹哨", on_delete=models.PROTECT, related_name="calls")
    department = models.ForeignKey(
        Department, verbose_name="部门", on_delete=models.PROTECT, related_name="whistle_calls"
    )
    policy = models.ForeignKey(
        DepartmentPolicy, verbose_name="时限依据", null=True, on_delete=models.PROTECT, related_name="+"
    )
    state = models.CharField("状态", max_length=10, choices=CallState, default=CallState.CALLED)
    called_at = models.DateTimeField("通知时间")
    answer_due_at = models.DateTimeField("回应时限", null=True)
    on_site_due_at = models.DateTimeField("到场时限", null=True)
    answer_late = models.BooleanField("回应超时", default=False)
    on_site_late = models.BooleanField("到场超时", default=False)

    answer = models.CharField("回应", max_length=12, choices=Answer, blank=True)
    answered_at = models.DateTimeField("首次回应时间", null=True)
    answered_by = _person("回应人或录入人", null=True)
    answered_how = models.CharField("回应方式", max_length=10, choices=How, blank=True)
    said_by = models.CharField("部门答复人", max_length=40, blank=True)
    answer_note = models.CharField("回应说明", max_length=500, blank=True)
    declined_at = models.DateTimeField("答复不归我管时间", null=True)

    checked_in_at = models.DateTimeField("到场时间", null=True)
    checked_in_by = _person("签到人或录入人", null=True)
    checked_in_how = models.CharField("签到方式", max_length=10, choices=How, blank=True)
    check_in_note = models.CharField("到场说明", max_length=500, blank=True)
    lon = models.DecimalField("到场经度", max_digits=9, decimal_places=6, null=True)
    lat = models.DecimalField("到场纬度", max_digits=8, decimal_places=6, null=True)

    reported_at = models.DateTimeField("报告时间", null=True)
    reported_by = _person("报告人或录入人", null=True)
    reported_how = models.CharField("报告方式", max_length=10, choices=How, blank=True)
    report = models.CharField("处置报告", max_length=2000, blank=True)
    ended_at = models.DateTimeField("被结束时间", null=True)

    class Meta:
        verbose_name = verbose_name_plural = "部门报到"
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["whistle", "department"],
                name="leads_whistlecall_once_a_whistle",
                violation_error_message="该部门已在本次吹哨中。",
            ),
            models.CheckConstraint(
                condition=Q(state="called", answered_at__isnull=True, answer="") & NOT_THERE
                | Q(state="answered", answer__in=["received", "dispatched"]) & ANSWERED & NOT_THERE
                | Q(state__in=["on_site", "reported"]) & ANSWERED & THERE
                | Q(state="declined", answer="not_ours") & ANSWERED & NOT_THERE
                | Q(state="ended"),
                name="leads_whistlecall_moments_fit_state",
            ),
            models.CheckConstraint(
                condition=Q(state="reported", reported_at__isnull=False, reported_by__isnull=False)
                & ~Q(report="")
                | ~Q(state="reported") & Q(reported_at__isnull=True, reported_by__isnull=True, report=""),
                name="leads_whistlecall_reported_when_said",
            ),
            models.CheckConstraint(
                condition=Q(state="declined", declined_at__isnull=False)
                | ~Q(state="declined") & Q(declined_at__isnull=True),
                name="leads_whistlecall_declined_when_said",
            ),
            models.CheckConstraint(
                condition=Q(state="ended", ended_at__isnull=False)
                | ~Q(state="ended") & Q(ended_at__isnull=True),
                name="leads_whistlecall_ended_when_said",
            ),
            models.CheckConstraint(
                condition=~Q(answered_how="telephone") | ~Q(said_by=""),
                name="leads_whistlecall_telephone_says_who",
            ),
            models.CheckConstraint(
                condition=Q(answer_late=False) | Q(answer_due_at__isnull=False),
                name="leads_whistlecall_late_where_limited",
            ),
            models.CheckConstraint(
                condition=Q(on_site_late=False) | Q(on_site_due_at__isnull=False),
                name="leads_whistlecall_late_on_site_where_limited",
            ),
            models.CheckConstraint(
                condition=Q(answered_at__isnull=True) | Q(answered_at__gte=F("called_at")),
                name="leads_whistlecall_answered_after_called",
            ),
        ]
        indexes = [
            models.Index(
                fields=["department"],
                condition=Q(state__in=[state.value for state in WAITING]),
                name="leads_calls_waiting",
            ),
            models.Index(fields=["department", "called_at"], name="leads_calls_by_department"),
        ]

    def __str__(self) -> str:
        return f"{self.whistle} {self.department}"


class WhistleEvidence(models.Model):
    """A file of a department's report. `evidence` is empty while the file is still on its way."""

    call = models.ForeignKey(
        WhistleCall, verbose_name="部门报到", on_delete=models.PROTECT, related_name="evidence"
    )
    sha256 = models.CharField("文件校验值", max_length=64)
    evidence = models.OneToOneField(
        Evidence, verbose_name="证据材料", null=True, on_delete=models.PROTECT, related_name="+"
    )
    added_by = _person("提交人")
    added_at = models.DateTimeField("提交时间")

    class Meta:
        verbose_name = verbose_name_plural = "部门报到材料"
        constraints = [
            models.UniqueConstraint(fields=["call", "sha256"], name="leads_whistleevidence_once"),
        ]
        indexes = [
            models.Index(
                fields=["sha256"], condition=Q(evidence__isnull=True), name="leads_call_files_awaited"
            ),
        ]

    def __str__(self) -> str:
        return self.sha256[:12]


class WhistleLink(models.Model):
    """A single-use way for one contact to answer one call without an account.

    Only the token's SHA-256 is kept. It is good until `expires_at`, and until the call is answered.
    """

    call = models.ForeignKey(
        WhistleCall, verbose_name="部门报到", on_delete=models.PROTECT, related_name="links"
    )
    contact = models.ForeignKey(
        DepartmentContact, verbose_name="部门联系人", on_delete=models.PROTECT, related_name="+"
    )
    token_hash = models.CharField("链接校验值", max_length=64, unique=True)
    created_at = models.DateTimeField("生成时间")
    expires_at = models.DateTimeField("失效时间")
    used_at = models.DateTimeField("使用时间", null=True)

    class Meta:
        verbose_name = verbose_name_plural = "吹哨短信链接"
        constraints = [
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("created_at")), name="leads_whistlelink_expires_later"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.call_id} {self.token_hash[:8]}"
