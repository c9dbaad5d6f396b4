"""Time limits, the calendar, what fired, and the journal in the admin.

They stand here because rights come from postings (`grids`), which the kernel does not know. The
journal and what the sweep wrote are read-only for everybody; a limit changes only by a new version.
"""

from __future__ import annotations

import json
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.core.paginator import Paginator
from django.db.models import CharField, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Cast, Concat
from django.http import HttpRequest, HttpResponse
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import TabularInline
from unfold.decorators import display

from grids.admin_access import ScopedAdmin
from grids.roles import Role
from kernel import clock, journal
from kernel.clock import KernelNow, local_date
from kernel.deadlines import clocks, limits
from kernel.deadlines.limits import Terms
from kernel.deadlines.models import (
    CalendarDay,
    Deadline,
    Event,
    Heartbeat,
    LimitPolicy,
    PoisonRow,
    Segment,
)
from kernel.deadlines.policy import Counting, Unit
from kernel.journal.models import Entry, Seal
from leads.models import Lead

BUREAU = frozenset({Role.BUREAU})
OVERSEERS = frozenset({Role.BUREAU, Role.BUREAU_LEADER, Role.AUDITOR})
TECHNICIANS = frozenset({Role.SYSTEM_ADMIN, Role.BUREAU, Role.AUDITOR})
MOST_COUNTED = 10_000
UNKNOWN_YEAR = (
    "{year} 年的节假日安排尚未录入，目前按周一至周五上班推算。请在国务院办公厅公布后逐日录入放假和调休。"
)


class CappedPaginator(Paginator):
    """Counts 10,000 rows at most: counting millions for a page number costs seconds."""

    @cached_property
    def count(self) -> int:
        rows: QuerySet[Any] = self.object_list  # type: ignore[assignment]
        return len(rows.order_by().values_list("pk")[:MOST_COUNTED])


class KernelAdmin(ScopedAdmin):
    """Rows of the kernel: all or none of them, by role."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return self.model._default_manager.order_by(*self.get_ordering(request))


class ReadOnlyAdmin(KernelAdmin):
    """Nobody adds, changes or deletes."""

    paginator = CappedPaginator

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def code(text: Any) -> SafeString:
    """A technical word, shown as such."""
    return format_html("<code>{}</code>", text)


# -- limits


class LimitForm(forms.ModelForm):
    """A new version of one limit."""

    kind = forms.ChoiceField(label="时限种类", choices=limits.kinds)

    class Meta:
        model = LimitPolicy
        fields: ClassVar[list[str]] = [
            "kind",
            "amount",
            "unit",
            "counting",
            "warn_percent",
            "in_force_from",
            "basis",
        ]

    def clean(self) -> dict[str, Any]:
        """Refuse what the service would: the form shows the sentence beside its field."""
        given: dict[str, Any] = super().clean() or {}
        if given.get("in_force_from") and given["in_force_from"] <= clock.now():
            self.add_error("in_force_from", "生效时间必须晚于现在。")
        if given.get("counting") == Counting.DUTY and given.get("kind") != "respond":
            self.add_error("counting", "只有接单时限可以按工作时间计时。")
        return given


@admin.register(LimitPolicy)
class LimitPolicyAdmin(KernelAdmin):
    """Versions of the limits: the bureau adds one, nobody changes one."""

    form = LimitForm
    view_roles = OVERSEERS | {Role.OFFICE_HEAD, Role.SYSTEM_ADMIN}
    change_roles = BUREAU
    list_display = [
        "name",
        "version",
        "said",
        "counting",
        "warn_percent",
        "in_force_from",
        "standing",
        "basis",
    ]
    list_filter = ["name", "unit", "counting"]
    search_fields = ["name", "basis"]
    search_help_text = "按名称或依据查找"
    ordering = ["name", "-version"]
    fields = ["kind", "amount", "unit", "counting", "warn_percent", "in_force_from", "basis"]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return self.fields if obj is None else ["name", "version", *self.fields[1:]]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @display(description="时限")
    def said(self, row: LimitPolicy) -> str:
        return f"{row.amount} {row.get_unit_display()}"

    @display(description="状态", label={"现行": "success", "待生效": "info", "已被取代": "default"})
    def standing(self, row: Any) -> str:
        if row.waits:
            return "待生效"
        return "现行" if row.current == row.version else "已被取代"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        begun = LimitPolicy.objects.filter(kind=OuterRef("kind"), in_force_from__lte=KernelNow())
        newest = begun.order_by("-in_force_from", "-version").values("version")[:1]
        rows = super().get_queryset(request)
        return rows.annotate(waits=Q(in_force_from__gt=KernelNow()), current=Subquery(newest))

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        given = form.cleaned_data
        terms = Terms(
            amount=given["amount"],
            unit=Unit(given["unit"]),
            counting=Counting(given["counting"]),
            warn_percent=given["warn_percent"],
            in_force_from=given["in_force_from"],
            basis=given["basis"],
        )
        made = limits.add_version(kind=given["kind"], terms=terms, by=self.me(request), at=clock.now())
        obj.__dict__.update({name: value for name, value in made.__dict__.items() if name != "_state"})
        obj._state.adding, obj._state.db = False, made._state.db


@admin.register(CalendarDay)
class CalendarDayAdmin(KernelAdmin):
    """The bureau's own word on single days; it says when a whole year is only guessed."""

    view_roles = OVERSEERS | {Role.OFFICE_HEAD, Role.OFFICE_CLERK, Role.SYSTEM_ADMIN}
    change_roles = BUREAU
    list_display = ["day", "is_working", "note"]
    list_filter = ["is_working"]
    search_fields = ["note"]
    search_help_text = "按说明查找"
    date_hierarchy = "day"
    ordering = ["-day"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["day"] if obj else []

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        if request.method == "GET" and self.has_view_permission(request):
            for year in clocks.calendar().unknown_years(local_date(clock.now())):
                messages.warning(request, UNKNOWN_YEAR.format(year=year))
        return super().changelist_view(request, extra_context)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        journal.append(
            stream=f"calendar:{obj.day:%Y}",
            kind="calendar.day_changed" if change else "calendar.day_added",
            by=self.me(request),
            at=clock.now(),
            data={"day": obj.day.isoformat(), "is_working": obj.is_working, "note": obj.note},
        )


# -- what runs and what fired


class SegmentInline(TabularInline):
    """The pauses of a clock."""

    model = Segment
    extra = 0
    can_delete = False
    fields = ["paused_at", "resumed_at", "reason", "approved_by"]
    readonly_fields = fields

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True  # shown on the clock's page only, which has a door of its own

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def hidden_leads(user: Any) -> QuerySet[Lead]:
    """Tip-offs (举报) that this person may not know of, however high he is."""
    return Lead.objects.filter(restricted=True).exclude(pk__in=Lead.objects.visible_to(user).values("pk"))


class OfSubjects(ReadOnlyAdmin):
    """Rows about a subject, without those about leads that are hidden from who asks."""

    to_subject = ""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        hidden = hidden_leads(request.user).values("pk")
        about = {f"{self.to_subject}subject_kind": "lead", f"{self.to_subject}subject_id__in": hidden}
        return super().get_queryset(request).exclude(**about)


@admin.register(Deadline)
class DeadlineAdmin(OfSubjects):
    """Every clock. A search gives the clocks of one subject: `lead:42`."""

    view_roles = OVERSEERS
    list_display = ["subject", "kind_code", "cycle", "standing", "armed_at", "due_at", "closed_at"]
    list_filter = ["state"]
    search_fields = ["subject_id"]
    search_help_text = "按对象的“类别:编号”查找"
    ordering = ["-id"]
    inlines = [SegmentInline]

    @display(description="对象")
    def subject(self, row: Deadline) -> SafeString:
        return code(f"{row.subject_kind}:{row.subject_id}")

    @display(description="时限种类")
    def kind_code(self, row: Deadline) -> SafeString:
        return code(row.kind)

    @display(
        description="状态",
        label={"计时中": "info", "已暂停": "warning", "按时完成": "success", "已超时": "danger"},
    )
    def standing(self, row: Deadline) -> str:
        return row.get_state_display()

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        return _of_subject(queryset, search_term), False


@admin.register(Event)
class EventAdmin(OfSubjects):
    """What ran out, and when it was recorded."""

    view_roles = OVERSEERS
    list_display = ["subject", "kind_code", "cycle", "due_at", "recorded_at", "late_ms"]
    search_fields = ["subject_id"]
    search_help_text = "按对象的“类别:编号”查找"
    ordering = ["-deadline_id"]

    @display(description="对象")
    def subject(self, row: Event) -> SafeString:
        return code(f"{row.subject_kind}:{row.subject_id}")

    @display(description="时限种类")
    def kind_code(self, row: Event) -> SafeString:
        return code(row.kind)

    @display(description="记录滞后（毫秒）")
    def late_ms(self, row: Event) -> int:
        return round((row.recorded_at - row.due_at).total_seconds() * 1000)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        return _of_subject(queryset, search_term), False


def _of_subject(rows: QuerySet[Any], term: str) -> QuerySet[Any]:
    """`lead:42` → that subject's rows; nothing typed → all; anything else → none."""
    if not term:
        return rows
    kind, _, number = term.strip().partition(":")
    if not number.isdecimal() or len(number) > 18:
        return rows.none()
    return rows.filter(subject_kind=kind, subject_id=int(number))


@admin.register(PoisonRow)
class PoisonRowAdmin(OfSubjects):
    """Events whose handler failed: somebody must look."""

    to_subject = "event__"

    view_roles = TECHNICIANS
    list_display = ["event_code", "set_aside_at", "resolved_at", "error_code"]
    list_select_related = ["event"]
    ordering = ["-id"]

    @display(description="超时记录")
    def event_code(self, row: PoisonRow) -> SafeString:
        return code(row.event)

    @display(description="错误")
    def error_code(self, row: PoisonRow) -> SafeString:
        return code(row.error[:200])


@admin.register(Heartbeat)
class HeartbeatAdmin(ReadOnlyAdmin):
    """Both drivers of the sweep, and how far behind they were."""

    view_roles = TECHNICIANS
    list_display = ["driver_code", "beat_at", "lag_ms"]
    ordering = ["driver"]

    @display(description="驱动")
    def driver_code(self, row: Heartbeat) -> SafeString:
        return code(row.driver)


# -- the journal


@admin.register(Entry)
class EntryAdmin(ReadOnlyAdmin):
    """Every entry, for the auditor. A search is exact: a stream (`lead:42`) or a kind (`lead.closed`)."""

    view_roles = frozenset({Role.AUDITOR})
    list_display = ["at", "stream_code", "seq", "kind_code", "actor_name", "hash_code"]
    search_fields = ["stream"]
    search_help_text = "按对象编码或事项编码查找，须写完整"
    ordering = ["-id"]
    fields = [
        "at",
        "stream_code",
        "seq",
        "kind_code",
        "actor_name",
        "actor_id",
        "content",
        "prev_hash",
        "hash",
    ]
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Without the streams of tip-offs that he may not know of: their chains are verified all the same
        (`verify_journal`), by a machine that tells no words."""
        hidden = hidden_leads(request.user).annotate(of_it=Concat(Value("lead:"), Cast("pk", CharField())))
        return super().get_queryset(request).exclude(stream__in=hidden.values("of_it"))

    @display(description="对象")
    def stream_code(self, row: Entry) -> SafeString:
        return code(row.stream)

    @display(description="事项")
    def kind_code(self, row: Entry) -> SafeString:
        return code(row.kind)

    @display(description="校验值")
    def hash_code(self, row: Entry) -> SafeString:
        return code(row.hash[:12])

    @display(description="内容")
    def content(self, row: Entry) -> SafeString:
        return format_html("<pre><code>{}</code></pre>", json.dumps(row.data, ensure_ascii=False, indent=2))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        return queryset.filter(**{"stream" if ":" in term else "kind": term}), False


@admin.register(Seal)
class SealAdmin(ReadOnlyAdmin):
    """Every nightly seal."""

    view_roles = frozenset({Role.AUDITOR, Role.BUREAU})
    list_display = ["sealed_at", "entries", "first_entry_id", "last_entry_id", "hash_code"]
    ordering = ["-id"]
    fields = ["sealed_at", "entries", "first_entry_id", "last_entry_id", "prev_hash", "hash"]
    readonly_fields = fields

    @display(description="封存值")
    def hash_code(self, row: Seal) -> SafeString:
        return code(row.hash[:16])
