"""The versions of the scheme: read by their values, drafted, tried, put in force and dropped by services."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import F, Func, JSONField, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from unfold.decorators import display

from credit import schemes, trial
from credit.admin import scheme_shown
from credit.admin.scheme_forms import DraftForm, DropForm, RevisionForm, RulesForm
from credit.models import CreditScheme
from credit.models.scheme import sees_drafts
from credit.scheme import SchemeError
from credit.schemes import DECIDES, DRAFTS, Changes
from grids.admin_access import BUREAU_PEOPLE
from grids.own_pages import OwnPages, seen
from grids.refusals import naming_contention
from grids.roles import Role
from kernel.accounts.models import User
from kernel.api.downloads import xlsx
from kernel.errors import DomainError

STATE_TONES = {"草案": "warning", "施行": "success", "已停用": "default", "已放弃": "default"}
LOOKS_AGAIN_S = 3
State = CreditScheme.State


class FirstMovers(Func):
    """The first of a trial's long list; the rest is downloaded as a sheet."""

    template = "jsonb_path_query_array(%(expressions)s, '$.movers[0 to 49]')"
    output_field = JSONField()


class WithoutMovers(Func):
    template = "(%(expressions)s - 'movers')"
    output_field = JSONField()


@admin.register(CreditScheme)
class CreditSchemeAdmin(OwnPages):
    """信用评分方案."""

    view_roles = BUREAU_PEOPLE | {Role.BUREAU_SECTION}
    list_display = ("version", "title", "standing", "drafted_by", "drafted_at", "trial_at", "in_force_at")
    list_select_related = ("drafted_by",)
    list_filter = ("state",)
    search_fields = ("title", "basis")
    search_help_text = "按名称或依据查找"
    ordering = ("-version",)
    actions = None

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        user: Any = request.user
        return CreditScheme.objects.visible_to(user).defer("trial").order_by("-version")

    @display(description="状态", ordering="state", label=STATE_TONES)
    def standing(self, row: CreditScheme) -> str:
        return str(row.get_state_display())

    # --- rights --------------------------------------------------------------------------------

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self._holds(request, DRAFTS) and not self.scope(request).is_auditor

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        acts = {
            "edit": self.edit_view, "try": self.try_view, "force": self.force_view, "drop": self.drop_view,
            "movers.xlsx": self.movers_view,
        }  # fmt: skip
        return [
            *(
                path(f"<int:pk>/{name}", view(act), name=f"credit_creditscheme_{name.partition('.')[0]}")
                for name, act in acts.items()
            ),
            *super().get_urls(),
        ]

    # --- pages ---------------------------------------------------------------------------------

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """One version: its values, what differs from the one in force, its trial. Looks again while it
        is tried or being put into effect."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        row = self.get_object(request, object_id)
        if row is None:
            messages.warning(request, "没有找到这份方案，或者您无权查看。")
            return HttpResponseRedirect(self.list_address())
        kept = CreditScheme.objects.filter(pk=row.pk)
        tried, movers = kept.values_list(WithoutMovers(F("trial")), FirstMovers(F("trial")))[0]
        shown = scheme_shown.page(row, tried if sees_drafts(request.user) else None, movers or [])
        shown |= {"original": row, "links": self._links(request, row)}
        answer = self.render(request, "credit/scheme.html", shown, title=str(row))
        if row.trial_asked_at is not None or shown["regrading"]:
            answer.headers["Refresh"] = str(LOOKS_AGAIN_S)
        return answer

    def _links(self, request: HttpRequest, row: CreditScheme) -> list[tuple[str, str, str]]:
        scope = self.scope(request)
        if row.state != State.DRAFT or scope.is_auditor:
            return []
        found = [("edit", "修改", "edit")] if scope.has(*DRAFTS) and row.trial_asked_at is None else []
        if scope.has(*DECIDES):
            if row.trial_asked_at is None:
                found.append(("try", "试算", "calculate"))
                if schemes.is_tried(row) and request.user.pk not in {*row.authors, row.drafted_by_id}:
                    found.append(("force", "批准施行", "gavel"))
            found.append(("drop", "放弃草案", "delete"))
        return [(self._address(row, name), label, icon) for name, label, icon in found]

    def _address(self, row: CreditScheme, name: str) -> str:
        return reverse(f"admin:credit_creditscheme_{name}", args=[row.pk])

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied

        def act(values: dict[str, Any], by: User, at: datetime) -> str:
            row = schemes.draft(by=by, **values)
            return f"已起草第{row.version}版，内容与现行方案相同，请打开后修改。"

        effect = "以现行方案为底稿起草新版本。修改后先试算，再由局领导或者局里另一人批准施行。"
        return self.ask(
            request, title="起草信用评分方案", submit="起草", act=act, form=DraftForm(request.POST or None),
            effect=effect,
        )  # fmt: skip

    def edit_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """All values on one form; a fault is said beside its value."""
        row: CreditScheme = self.wanted(request, pk)
        if row.state != State.DRAFT:
            messages.warning(request, "这份方案已不是草案，不能修改。")
            return HttpResponseRedirect(self.row_address(row))
        initial = {
            "revision": row.revision,
            "title": row.title,
            "basis": row.basis,
            **RulesForm.initial_of(row.rules),
        }
        form = RulesForm(request.POST or None, initial=initial)
        if request.method == "POST" and form.is_valid():
            said = form.cleaned_data
            try:
                with naming_contention():
                    schemes.edit(
                        scheme_id=row.pk,
                        by=self.me(request),
                        expect=seen(said["revision"]),
                        changes=Changes(said["title"], said["basis"], form.rules()),
                    )
            except SchemeError as wrong:
                form.refuse(wrong)
            except DomainError as refused:
                form.add_error(None, refused.detail)
            else:
                messages.success(request, "已保存。修改后须重新试算才能施行。")
                return HttpResponseRedirect(self.row_address(row))
        shown = {"form": form, "back": self.row_address(row), "original": row, "row": row}
        status = 400 if form.is_bound else 200
        return self.render(request, "credit/scheme_edit.html", shown, title=f"修改{row}", status=status)

    def try_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        effect = "按这份草案对全部在营主体试算，不改动任何等级。试算在后台进行，方案页面显示进度和结果。"
        return self._settle(
            request, pk, "试算", effect, "已开始试算。", lambda **told: schemes.ask_trial(**told)
        )

    def force_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        effect = (
            "施行后现行方案停用，全部主体随即按新方案重新评定：应降的即时下降，应升的等到定期评定。不能撤销。"
        )
        return self._settle(
            request, pk, "批准施行", effect, "已施行，正在重新评定。",
            lambda **told: schemes.put_in_force(**told),
        )  # fmt: skip

    def drop_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        return self._settle(
            request, pk, "放弃草案", "草案留存备查，不再能修改和施行。", "已放弃草案。",
            lambda **told: schemes.drop(**told), DropForm,
        )  # fmt: skip

    def _settle(
        self,
        request: HttpRequest,
        pk: int,
        label: str,
        effect: str,
        done: str,
        service: Callable[..., object],
        form_of: Any = RevisionForm,
    ) -> HttpResponse:
        row: CreditScheme = self.wanted(request, pk)

        def act(values: dict[str, Any], by: User, at: datetime) -> str:
            told = {name: value for name, value in values.items() if name != "revision"}
            service(scheme_id=row.pk, by=by, expect=seen(values["revision"]), **told)
            return done

        form = form_of(request.POST or None, initial={"revision": row.revision})
        return self.ask(
            request, title=f"{label}　{row}", submit=label, act=act, form=form, effect=effect,
            back=self.row_address(row),
        )  # fmt: skip

    def movers_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Who would move, as a sheet; for who sees drafts."""
        row = self.get_object(request, str(pk))
        if row is None or not self.has_view_permission(request) or not sees_drafts(request.user):
            raise PermissionDenied
        if not row.trial:
            messages.warning(request, "这份方案还没有试算结果。")
            return HttpResponseRedirect(self.row_address(row))
        return xlsx(trial.sheet(row.trial), f"scheme-{row.version}-trial.xlsx")
