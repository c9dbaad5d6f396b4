"""The OpenAPI document and the pages that show it (suoshe/openapi.py)."""

from __future__ import annotations

from typing import Any

SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "所社联动 API",
    "DESCRIPTION": (
        "市场监管所与社区网格联动平台的接口。\n\n"
        "- JSON，UTF-8；时间为带时区的 ISO 8601；坐标须注明坐标系，返回 WGS-84。\n"
        "- 除登录与本文档外，须携带 `Authorization: Bearer <token>`，或在浏览器中登录（写操作须带 CSRF）。\n"
        '- 有 `version` 的资源返回 `ETag: "v<version>"`；修改与签字须带 `If-Match`。\n'
        "- 每个地址带不带末尾的斜杠都可以。请求中的未知字段一律拒绝，未知查询参数忽略。\n"
        '- 出错时返回 `{"type", "errors": [{"code", "detail", "attr"}]}`，`detail` 为中文说明。'
    ),
    "VERSION": "1",
    "PREPROCESSING_HOOKS": ["suoshe.openapi.one_path_each"],
    "POSTPROCESSING_HOOKS": ["drf_spectacular.hooks.postprocess_schema_enums", "suoshe.openapi.add_refusals"],
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "SERVE_INCLUDE_SCHEMA": False,
    "PATH_CONVERTER_OVERRIDES": {"int": {"type": "integer", "minimum": 0, "maximum": 2**63 - 1}},
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "defaultModelsExpandDepth": 0, "validatorUrl": None},
    "ENUM_NAME_OVERRIDES": {
        "RecheckStateEnum": "leads.models.after.Recheck.State",
        "LookBackStateEnum": "leads.models.after.LookBack.State",
        "LookBackResultEnum": "leads.models.after.LookBack.Result",
        "ReferralStateEnum": "leads.models.after.Referral.Stage",
        "ReopeningCauseEnum": "leads.models.after.Reopening.Cause",
        "RoleEnum": "grids.roles.Role",
        "DutyRoleEnum": "grids.roles.DutyRole",
        "EntityKindEnum": "grids.models.EntityKind",
        "CreditAskedStateEnum": "credit.models.asking.Outcome",
        "RedPartnerStateEnum": "credit.models.partners.RedPartner.State",
        "CreditSchemeStateEnum": "credit.models.scheme.CreditScheme.State",
        "CreditGradeEnum": "grids.models.CreditGrade",
        "CreditFactKindEnum": "credit.facts.FactKind",
        "CreditCauseEnum": "credit.api.shapes.CAUSES",
        "CreditTriggerEnum": "credit.models.standing.CreditAssessment.Trigger",
        "StationKindEnum": "stations.models.StationKind",
        "LeadStateEnum": "leads.states.State",
        "DeadlineStateEnum": "kernel.deadlines.models.Deadline.State",
        "OrderCauseEnum": "leads.models.SupervisionOrder.Cause",
        "OrderLevelEnum": "leads.models.SupervisionOrder.Level",
        "ReportLevelEnum": "reports.models.Level",
        "OrderStateEnum": "leads.models.SupervisionOrder.State",
        "DisposalKindEnum": "leads.models.DisposalKind",
        "EvidenceKindEnum": "kernel.evidence.models.Kind",
        "SeverityEnum": "leads.models.Severity",
        "SideEnum": "leads.models.Side",
        "PlanEnum": "leads.models.Plan",
        "VerifyMethodEnum": "leads.models.Method",
        "AnsweredEnum": "leads.answered.Answered",
        "AnswerStateEnum": "leads.models.AnswerState",
        "AnswerWayEnum": "leads.models.Way",
        "AnswerResultEnum": "leads.models.Result",
        "CallResultEnum": "leads.models.answer.CALL_RESULTS",
        "RatingEnum": "leads.models.Rating",
        "SurveyHowEnum": "leads.models.Survey.How",
        "SurveyAskedEnum": "leads.models.Survey.Asked",
        "WhistleStateEnum": "leads.whistle_states.WhistleState",
        "WhistleCallStateEnum": "leads.whistle_states.CallState",
        "WhistleAnswerEnum": "leads.whistle_states.Answer",
        "PatrolKindEnum": "patrols.kinds.TaskKind",
        "PatrolStateEnum": "patrols.kinds.TaskState",
        "PatrolResultEnum": "patrols.kinds.Result",
        "PatrolHowEnum": "patrols.kinds.How",
        "PatrolCauseEnum": "patrols.kinds.Cause",
        "MatterKindEnum": "leads.models.MatterKind",
        "IntakeKindEnum": "leads.api.intake_forms.KIND_WORDS",
        "CrsEnum": "kernel.coordinates.CRS_NAMES",
        "WhistleHowEnum": "leads.whistle_states.How",
        "ApprovalStateEnum": "kernel.approvals.models.State",
        "GuidanceKindEnum": "leads.models.GuidanceKind",
        "LeniencyStateEnum": "leads.models.LeniencyDecision.State",
        "LeniencyResultEnum": "leads.models.LeniencyResult",
        "SuspendReasonEnum": "leads.models.SuspendReason",
        "RejectReasonEnum": "leads.models.RejectReason",
    },
}
