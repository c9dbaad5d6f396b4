"""事事有回音: the answer that a citizen is owed, how it was given, what he thinks of it (DOMAIN.md §5)."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from leads.models.lead import Lead


class Way(models.TextChoices):
    """How a citizen is answered."""

    SMS = "sms", "短信"
    CALL = "call", "电话"


class AnswerState(models.TextChoices):
    OWED = "owed", "待回复"
    ANSWERED = "answered", "已回复"
    CANCELLED = "cancelled", "已重新办理"


class Result(models.TextChoices):
    """What became of one try. The first three are of an SMS, the others of a call."""

    SENDING = "sending", "发送中"
    DELIVERED = "delivered", "已送达"
    FAILED = "failed", "未能送达"
    REACHED = "reached", "已接通并告知"
    NOT_REACHED = "not_reached", "未接通"
    REFUSED = "refused", "对方拒绝接听"


OF_SMS = (Result.SENDING, Result.DELIVERED, Result.FAILED)
OF_CALL = (Result.REACHED, Result.NOT_REACHED, Result.REFUSED)
CALL_RESULTS = [(one.value, one.label) for one in OF_CALL]
"""What a person may enter."""
ENDS = frozenset({Result.DELIVERED, Result.REACHED, Result.REFUSED})
"""Results with which the answer is given: who will not hear it has been offered it."""


class Answer(models.Model):
    """What is owed to the citizen who told a lead, once for each round that ended (办结回复).

    Owed from closing on; unanswered it shows as 办结未回复 and its clock (`answer`) tells the clerk and the
    head. Cancelled where the lead is taken up again before he was answered.
    """

    lead = models.ForeignKey(Lead, verbose_name="线索", on_delete=models.PROTECT, related_name="answers")
    round = models.PositiveSmallIntegerField("轮次")
    state = models.CharField("状态", max_length=10, choices=AnswerState)
    owed_at = models.DateTimeField("办结时间")
    due_at = models.DateTimeField("回复时限")
    answered_at = models.DateTimeField("回复时间", null=True)
    way = models.CharField("回复方式", max_length=4, choices=Way, blank=True, default="")
    cancelled_at = models.DateTimeField("取消时间", null=True)

    class Meta:
        verbose_name = verbose_name_plural = "办结回复"
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["lead", "round"], name="leads_answer_one_a_round"),
            models.CheckConstraint(
                condition=Q(state__in=AnswerState.values), name="leads_answer_known_state"
            ),
            models.CheckConstraint(
                condition=Q(state=AnswerState.ANSWERED, answered_at__isnull=False, way__in=Way.values)
                | (~Q(state=AnswerState.ANSWERED) & Q(answered_at__isnull=True, way="")),
                name="leads_answer_given_when_said",
            ),
            models.CheckConstraint(
                condition=Q(state=AnswerState.CANCELLED, cancelled_at__isnull=False)
                | (~Q(state=AnswerState.CANCELLED) & Q(cancelled_at__isnull=True)),
                name="leads_answer_cancelled_when_said",
            ),
        ]
        indexes = [
            models.Index(fields=["due_at"], condition=Q(state="owed"), name="leads_answer_owed_by_due"),
            models.Index(fields=["answered_at"], name="leads_answer_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.lead_id} 第 {self.round} 轮"


class AnswerAttempt(models.Model):
    """One try to answer: an SMS by the system, or a call that somebody made and entered.

    Holds neither name nor telephone: the SMS is found in the outbox by its key. `note` is masked.
    """

    answer = models.ForeignKey(
        Answer, verbose_name="办结回复", on_delete=models.PROTECT, related_name="attempts"
    )
    way = models.CharField("方式", max_length=4, choices=Way)
    result = models.CharField("结果", max_length=12, choices=Result)
    at = models.DateTimeField("时间")
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name="联系人", null=True, on_delete=models.PROTECT, related_name="+"
    )
    client_uid = models.UUIDField("客户端编号", null=True)
    content_digest = models.CharField("登记内容校验值", max_length=64, blank=True, default="")
    note = models.CharField("说明", max_length=500, blank=True, default="")
    message_key = models.CharField("短信去重键", max_length=160, blank=True, default="")

    class Meta:
        verbose_name = verbose_name_plural = "回复记录"
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["by", "client_uid"], name="leads_answerattempt_one_client_uid"),
            models.UniqueConstraint(
                fields=["message_key"], condition=~Q(message_key=""), name="leads_answerattempt_one_message"
            ),
            models.CheckConstraint(
                condition=Q(way=Way.SMS, result__in=OF_SMS, by__isnull=True, client_uid__isnull=True)
                & ~Q(message_key="")
                | Q(
                    way=Way.CALL,
                    result__in=OF_CALL,
                    by__isnull=False,
                    client_uid__isnull=False,
                    message_key="",
                ),
                name="leads_answerattempt_sms_or_call",
            ),
        ]
        indexes = [
            models.Index(fields=["id"], condition=Q(result="sending"), name="leads_answer_sms_on_its_way"),
        ]

    def __str__(self) -> str:
        return f"{self.answer_id} {self.get_way_display()} {self.get_result_display()}"


class Rating(models.TextChoices):
    VERY_SATISFIED = "very_satisfied", "非常满意"
    SATISFIED = "satisfied", "满意"
    NEUTRAL = "neutral", "一般"
    UNSATISFIED = "unsatisfied", "不满意"
    VERY_UNSATISFIED = "very_unsatisfied", "非常不满意"


SATISFIED = frozenset({Rating.VERY_SATISFIED, Rating.SATISFIED})
UNHAPPY = frozenset({Rating.UNSATISFIED, Rating.VERY_UNSATISFIED})


class Question(models.Model):
    """满意度回访: one question a round, asked of whom the matter concerned, never of staff (DOMAIN.md §5).

    The link's token is kept as a hash only; without a link it is asked by telephone. Answered once: by the
    link, or entered by somebody who neither handled nor signed. `voided_at`: the matter was taken up again
    before anybody answered. A matter's own rows name it, and that each round of it has one.
    """

    class How(models.TextChoices):
        LINK = "link", "短信链接"
        TELEPHONE = "telephone", "电话回访"

    round = models.PositiveSmallIntegerField("轮次")
    asked_at = models.DateTimeField("发起时间")
    token_hash = models.CharField("链接校验值", max_length=64, null=True)
    expires_at = models.DateTimeField("链接失效时间")
    answered_at = models.DateTimeField("评价时间", null=True)
    rating = models.CharField("评价", max_length=16, choices=Rating, blank=True, default="")
    comment = models.CharField("意见", max_length=500, blank=True, default="")
    how = models.CharField("评价方式", max_length=10, choices=How, blank=True, default="")
    entered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name="登记人", null=True, on_delete=models.PROTECT, related_name="+"
    )
    voided_at = models.DateTimeField("作废时间", null=True)

    class Meta:
        abstract = True
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["token_hash"], name="%(app_label)s_%(class)s_one_a_token"),
            models.CheckConstraint(
                condition=Q(answered_at__isnull=True, rating="", comment="", how="")
                | Q(
                    answered_at__isnull=False,
                    rating__in=Rating.values,
                    how__in=["link", "telephone"],
                    voided_at__isnull=True,
                ),
                name="%(app_label)s_%(class)s_answered_when_said",
            ),
            models.CheckConstraint(
                condition=Q(how="telephone", entered_by__isnull=False)
                | (~Q(how="telephone") & Q(entered_by__isnull=True)),
                name="%(app_label)s_%(class)s_telephone_names_who",
            ),
        ]
        indexes = [models.Index(fields=["answered_at"], name="%(app_label)s_survey_by_time")]


class Survey(Question):
    """The question about a lead, to the citizen who told it, else to the shop; the trigger
    `leads_survey_by_the_uninvolved` holds who enters an answer."""

    class Asked(models.TextChoices):
        CITIZEN = "citizen", "反映人"
        SHOP = "shop", "经营主体"

    lead = models.ForeignKey(Lead, verbose_name="线索", on_delete=models.PROTECT, related_name="surveys")
    asked = models.CharField("回访对象", max_length=8, choices=Asked)

    class Meta(Question.Meta):
        verbose_name = verbose_name_plural = "满意度回访"
        constraints = [
            models.UniqueConstraint(fields=["lead", "round"], name="leads_survey_one_a_round"),
            *Question.Meta.constraints,
        ]

    def __str__(self) -> str:
        return f"{self.lead_id} 第 {self.round} 轮"
