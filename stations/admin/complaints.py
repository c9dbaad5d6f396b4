"""待转投诉 with what the stations add: the desk sends one to a station by hand, and opens what it became."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from unfold.decorators import action, display

from leads.admin.matters import KeptComplaintAdmin
from leads.models import KeptComplaint
from stations import complaints
from stations.forms import ToStationForm
from stations.models import Dispute, Station

__all__ = ["SentComplaintAdmin"]

admin.site.unregister(KeptComplaint)


@admin.register(KeptComplaint)
class SentComplaintAdmin(KeptComplaintAdmin):
    """The same list and page, and 转服务站."""

    actions_detail = ["to_station"]
    fields = [*KeptComplaintAdmin.fields, "became"]
    readonly_fields = fields

    @display(description="纠纷", empty_value="尚未转服务站")
    def became(self, row: KeptComplaint) -> Any:
        dispute = Dispute.objects.filter(complaint=row).first()
        if dispute is None:
            return None
        address = reverse("admin:stations_dispute_change", args=[dispute.pk])
        return format_html('<a href="{}">{}</a>', address, dispute.number)

    def has_send_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        user: Any = request.user
        return self.has_view_permission(request) and complaints.may_send(user)

    @action(description="转服务站", icon="send", url_path="to-station", permissions=["send"])
    def to_station(self, request: HttpRequest, object_id: int) -> HttpResponse:
        row: KeptComplaint = self.wanted(request, object_id)
        if row.state == KeptComplaint.State.TAKEN:
            messages.warning(request, "这件投诉已转服务站。")
            return HttpResponseRedirect(self.row_address(row))
        stations = list(Station.objects.visible_to(request.user).filter(is_active=True).order_by("code"))

        def act(values: dict[str, Any], by: Any, at: Any) -> str:
            taken = complaints.take_complaint(row.pk, station=values["station"] or None, by=by)
            return f"已转{taken.dispute.taken_station.name}，纠纷编号 {taken.dispute.number}。"

        return self.ask(
            request,
            title=f"转服务站：{row.number}",
            submit="转服务站",
            act=act,
            form=ToStationForm(request.POST or None, stations=stations),
            effect="转出后由服务站联系消费者；12315平台的投诉直接进入受理决定。消费者信息随纠纷加密保存。",
            back=self.row_address(row),
        )
