"""Files brought into the register, and into what higher apps name (`grids.import_targets`): upload, try, look
at what is wrong, confirm, see how far it is."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from unfold.decorators import display
from unfold.widgets import UnfoldAdminFileFieldWidget

from grids import import_targets, importing, sheets
from grids.admin_access import BUREAU_PEOPLE, ScopedAdmin
from grids.import_targets import Target
from grids.models import ImportFile
from grids.roles import Role
from kernel import clock
from kernel.api.downloads import xlsx
from kernel.errors import DomainError

SHOWN_ERRORS = 200
LOOKS_AGAIN_S = 2
AT_WORK = (ImportFile.State.WAITING, ImportFile.State.RUNNING)


class UploadForm(forms.Form):
    """One file, CSV or XLSX."""

    file = forms.FileField(label="表格文件", widget=UnfoldAdminFileFieldWidget)

    def __init__(self, *args: Any, target: Target, **options: Any) -> None:
        super().__init__(*args, **options)
        required = "、".join(f"“{one.head}”" for one in target.columns if one.required)
        most = target.most_bytes // 1_000_000
        self.fields[
            "file"
        ].help_text = f"支持 .xlsx 和 .csv 文件，最多 {most} MB；第一行为表头，至少有{required}。"


@admin.register(ImportFile)
class ImportFileAdmin(ScopedAdmin):
    """导入记录. A file is tried first and carried out by a confirmation; rows are never edited here."""

    view_roles = BUREAU_PEOPLE | {Role.OFFICE_CLERK, Role.OFFICE_HEAD, Role.BUREAU_SECTION}
    list_before_template = "admin/grids/importfile/list_before.html"
    change_form_before_template = "admin/grids/importfile/file.html"
    list_display = ["name", "target", "kind", "standing", "counts", "mistakes", "by", "at"]
    list_select_related = ["by"]
    list_filter = ["target", "state", "dry_run", "at"]
    search_fields = ["name", "by__name"]
    search_help_text = "按文件名或导入人查找"
    ordering = ["-id"]
    actions = None
    fields = ["name", "target", "kind", "standing", "counts", "mistakes", "by", "at", "finished_at", "sha256"]
    readonly_fields = fields

    @display(description="方式", label={"试导": "info", "正式导入": "success"})
    def kind(self, file: ImportFile) -> str:
        return "试导" if file.dry_run else "正式导入"

    @display(
        description="状态",
        label={
            "排队中": "default", "读取中": "info", "试导完成": "info", "已导入": "success", "未导入": "danger"
        },
    )  # fmt: skip
    def standing(self, file: ImportFile) -> str:
        return str(file.get_state_display())

    @display(description="结果")
    def counts(self, file: ImportFile) -> str:
        if file.state in AT_WORK:
            return f"已读取 {file.done_rows}/{file.rows} 行"
        updated = f"更新 {file.updated}，" if import_targets.of(file.target).updates else ""
        said = f"共 {file.rows} 行：新增 {file.created}，{updated}未变 {file.unchanged}"
        return said if file.dry_run or file.state == ImportFile.State.DONE else f"共 {file.rows} 行，没有写入"

    @display(description="错误")
    def mistakes(self, file: ImportFile) -> str:
        return f"{len(file.errors)} 处" if file.errors else "无"

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("upload/", view(self.upload_view), name="grids_importfile_upload"),
            path("upload/<slug:what>/", view(self.upload_view), name="grids_importfile_upload_of"),
            path("template.xlsx", view(self.template_view), name="grids_importfile_template"),
            path("template/<slug:what>.xlsx", view(self.template_view), name="grids_importfile_template_of"),
            path("<int:pk>/confirm/", view(self.confirm_view), name="grids_importfile_confirm"),
            path("<int:pk>/errors.xlsx", view(self.errors_view), name="grids_importfile_errors"),
            *super().get_urls(),
        ]

    def may_hand_in(self, request: HttpRequest, target: Target) -> bool:
        return bool(request.user.is_staff) and target.may_import(self.scope(request))

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        offered = [(one, self.may_hand_in(request, one)) for one in import_targets.every()]
        return super().changelist_view(request, {"targets": offered, **(extra_context or {})})

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        file = self.get_object(request, object_id)
        context = dict(extra_context or {})
        if file is not None:
            target = import_targets.of(file.target)
            context |= {
                "file": file,
                "target": target,
                "shown": file.errors[:SHOWN_ERRORS],
                "hidden": max(0, len(file.errors) - SHOWN_ERRORS),
                "at_work": file.state in AT_WORK,
                "may_confirm": self.may_hand_in(request, target)
                and file.by_id == request.user.pk
                and file.state == ImportFile.State.TRIED
                and bool(file.stored)
                and not file.errors,
            }
        answer = super().change_view(request, object_id, form_url, context)
        if file is not None and file.state in AT_WORK:
            answer.headers["Refresh"] = str(LOOKS_AGAIN_S)
        return answer

    def upload_view(self, request: HttpRequest, what: str = "register") -> HttpResponse:
        """Take a file for a dry run; its page shows how far it is."""
        target = _target(what)
        if not self.may_hand_in(request, target):
            raise PermissionDenied
        form = UploadForm(request.POST or None, request.FILES or None, target=target)
        if request.method == "POST" and form.is_valid():
            upload = form.cleaned_data["file"]
            content = upload.read(target.most_bytes + 1)
            try:
                file = importing.hand_in_later(
                    content=content, name=upload.name, by=self.me(request), at=clock.now(), kind=target.kind
                )
            except DomainError as refused:
                form.add_error("file", refused.detail)
            else:
                return HttpResponseRedirect(self.row_address(file))
        context = {
            **self.admin_site.each_context(request), "opts": self.opts, "title": target.title, "form": form,
            "submit": "上传并试导", "back": self.list_address(),
            "effect": "先试导、后导入：上传后系统逐行检查，不写入任何内容；核对无误再确认，"
            f"整份文件要么全部写入，要么都不写入。{target.effect}",
        }  # fmt: skip
        return TemplateResponse(request, "grids/ask.html", context)

    def confirm_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Carry out what was tried."""
        file = self.get_object(request, str(pk))
        if file is None or request.method != "POST":
            raise PermissionDenied
        if not self.may_hand_in(request, import_targets.of(file.target)):
            raise PermissionDenied
        try:
            real = importing.confirm(tried=file, by=self.me(request), at=clock.now())
        except DomainError as refused:
            messages.error(request, refused.detail)
            return HttpResponseRedirect(self.row_address(file))
        return HttpResponseRedirect(self.row_address(real))

    def template_view(self, request: HttpRequest, what: str = "register") -> HttpResponse:
        target = _target(what)
        if not self.has_view_permission(request):
            raise PermissionDenied
        label = str(ImportFile.Target(target.kind).label)
        return _sheet(sheets.blank(target.columns, label), f"{target.slug}-template.xlsx")

    def errors_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        file = self.get_object(request, str(pk))
        if file is None or not self.has_view_permission(request):
            raise PermissionDenied
        return _sheet(sheets.errors_sheet(importing.errors_of(file)), f"import-{file.pk}-errors.xlsx")


def _target(what: str) -> Target:
    target = import_targets.by_slug(what)
    if target is None:
        raise Http404
    return target


def _sheet(content: bytes, name: str) -> HttpResponse:
    return xlsx(content, name)
