"""One question put to somebody else, and what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models import F, Q

if TYPE_CHECKING:
    from kernel.accounts.models import User

CLOCK = "approval"
"""`subject_kind` of an approval's own clock, whose kind is `DECIDE`."""
DECIDE = "decide"
OWN = "不能审批自己提出的申请，代岗时也不能。"


class State(models.TextChoices):
    WAITING = "waiting", "待审批"
    APPROVED = "approved", "已同意"
    REFUSED = "refused", "未同意"
    LAPSED = "lapsed", "逾期未批"
    WITHDRAWN = "withdrawn", "已撤回"


ENDED = (State.APPROVED, State.REFUSED, State.LAPSED, State.WITHDRAWN)
DECIDED = (State.APPROVED, State.REFUSED)


class ApprovalQuerySet(models.QuerySet["Approval"]):
    def waiting(self) -> ApprovalQuerySet:
        return self.filter(state=State.WAITING)

    def of(self, subject_kind: str, subject_id: int) -> ApprovalQuerySet:
        """Everything ever asked about one subject."""
        return self.filter(subject_kind=subject_kind, subject_id=subject_id)

    def asked_by(self, user_id: int) -> ApprovalQuerySet:
        """我的申请: what he asked, and what was asked in his name."""
        return self.filter(Q(asked_by_id=user_id) | Q(asked_on_behalf_of_id=user_id))

    def for_decision_by(self, user: User) -> ApprovalQuerySet:
        """待我审批: what waits for a decision that this person may make."""
        from kernel.approvals import kinds

        own = Q(asked_by_id=user.pk) | Q(asked_on_behalf_of_id=user.pk)
        return self.waiting().filter(kinds.decidable_by(user)).exclude(own)

    def visible_to(self, user: User) -> ApprovalQuerySet:
        """The only door: who asked, who decided or may decide, and who sees the subject. Default nothing."""
        from kernel.approvals import kinds

        own = Q(asked_by_id=user.pk) | Q(asked_on_behalf_of_id=user.pk) | Q(decided_by_id=user.pk)
        return self.filter(own | kinds.seen_by(user) | kinds.decidable_by(user))


class Approval(models.Model):
    """Somebody asks, somebody else decides (审批), within a time of its own.

    `subject_kind` and `subject_id` name a row of a higher app; `about` names it in words. `payload` are
    the values that the kind will act on. `asked_by` is empty where the platform asks for a citizen.
    """

    kind = models.CharField("审批种类", max_length=40)
    subject_kind = models.CharField("对象类别", max_length=20)
    subject_id = models.BigIntegerField("对象编号")
    about = models.CharField("事项", max_length=120, blank=True)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name="申请人", null=True, on_delete=models.PROTECT, related_name="+"
    )
    asked_on_behalf_of = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name="代谁申请",
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    asked_at = models.DateTimeField("申请时间")
    reason = models.CharField("申请理由", max_length=500)
    payload = models.JSONField("申请内容", default=dict, blank=True)
    state = models.CharField("状态", max_length=10, choices=State, db_default=State.WAITING)
    due_at = models.DateTimeField("审批时限")
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name="审批人", null=True, on_delete=models.PROTECT, related_name="+"
    )
    decided_on_behalf_of = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name="代谁审批",
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    decided_at = models.DateTimeField("审批时间", null=True)
    ended_at = models.DateTimeField("结束时间", null=True)
    note = models.CharField("审批意见", max_length=500, blank=True)
    version = models.PositiveIntegerField("版本", default=1, db_default=1)

    objects = ApprovalQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "审批"
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "subject_kind", "subject_id"],
                condition=Q(state="waiting"),
                name="approvals_approval_one_waiting",
                violation_error_message="已有同样的申请在等待审批。",
            ),
            models.CheckConstraint(
                condition=Q(state__in=State.values), name="approvals_approval_known_state"
            ),
            models.CheckConstraint(
                condition=Q(state__in=DECIDED, decided_by__isnull=False, decided_at__isnull=False)
                | (
                    ~Q(state__in=DECIDED)
                    & Q(decided_by__isnull=True, decided_at__isnull=True, decided_on_behalf_of__isnull=True)
                ),
                name="approvals_approval_decided_when_said",
            ),
            models.CheckConstraint(
                condition=Q(state="waiting", ended_at__isnull=True)
                | (~Q(state="waiting") & Q(ended_at__isnull=False)),
                name="approvals_approval_ended_when_said",
            ),
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True)
                | Q(asked_by__isnull=True)
                | ~Q(decided_by=F("asked_by")),
                name="approvals_approval_not_own",
                violation_error_message=OWN,
            ),
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True)
                | Q(asked_on_behalf_of__isnull=True)
                | ~Q(decided_by=F("asked_on_behalf_of")),
                name="approvals_approval_not_own_in_name",
                violation_error_message=OWN,
            ),
            models.CheckConstraint(
                condition=Q(decided_on_behalf_of__isnull=True)
                | Q(asked_by__isnull=True)
                | ~Q(decided_on_behalf_of=F("asked_by")),
                name="approvals_approval_not_for_asker",
                violation_error_message=OWN,
            ),
            models.CheckConstraint(
                condition=Q(decided_on_behalf_of__isnull=True)
                | Q(asked_on_behalf_of__isnull=True)
                | ~Q(decided_on_behalf_of=F("asked_on_behalf_of")),
                name="approvals_approval_not_for_named",
                violation_error_message=OWN,
            ),
        ]
        indexes = [
            models.Index(fields=["subject_kind", "subject_id"], name="approvals_of_subject"),
            models.Index(
                fields=["kind", "subject_id"], condition=Q(state="waiting"), name="approvals_waiting_by_kind"
            ),
            models.Index(fields=["asked_by", "-id"], name="approvals_by_asker"),
        ]

    def __str__(self) -> str:
        return f"审批 {self.pk}"

    @property
    def stream(self) -> str:
        return f"approval:{self.pk}"

    @property
    def subject_stream(self) -> str:
        return f"{self.subject_kind}:{self.subject_id}"
