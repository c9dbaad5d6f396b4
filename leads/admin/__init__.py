"""Leads in the admin: lists, the lead's page, acts, orders, the desk's intake, the catalogue.

Every act calls a service; nothing here saves. Rows come from `visible_to` only.
"""

from leads.admin import entity_panel, guidance_panel
from leads.admin.answers import AnswerAdmin, SurveyAdmin
from leads.admin.categories import CategoryAdmin
from leads.admin.departments import DepartmentContactAdmin, DepartmentPolicyAdmin
from leads.admin.leads import LeadAdmin
from leads.admin.leniency import GuidanceAdmin, LeniencyDecisionAdmin
from leads.admin.look_backs import LookBackAdmin
from leads.admin.matters import KeptComplaintAdmin, MatterAdmin, PlatformAdmin
from leads.admin.orders import SupervisionOrderAdmin
from leads.admin.reporters import LeadReporterAdmin
from leads.admin.whistles import WhistleAdmin

__all__ = [
    "AnswerAdmin",
    "CategoryAdmin",
    "DepartmentContactAdmin",
    "DepartmentPolicyAdmin",
    "GuidanceAdmin",
    "KeptComplaintAdmin",
    "LeadAdmin",
    "LeadReporterAdmin",
    "LeniencyDecisionAdmin",
    "LookBackAdmin",
    "MatterAdmin",
    "PlatformAdmin",
    "SupervisionOrderAdmin",
    "SurveyAdmin",
    "WhistleAdmin",
    "entity_panel",
    "guidance_panel",
]
