"""What the endpoints of credit take, and the shapes they answer with (for the OpenAPI document)."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from credit.facts import FactKind
from credit.models import CreditAssessment, CreditScheme, RedPartner
from credit.models.asking import Outcome
from credit.questions import Entry
from grids.models import CreditGrade
from kernel.api import StrictSerializer
from kernel.evidence.api.fields import BIGGEST, EvidenceListField

CAUSES = [("SCORE", "按得分"), ("CAP", "封顶"), ("VETO", "一票否决")]

# --- taken -----------------------------------------------------------------------------------------


class EntrySerializer(StrictSerializer):
    client_uid = serializers.UUIDField()
    reason = serializers.CharField(max_length=500)
    evidence = EvidenceListField(required=False, default=((), ()))

    def entry(self) -> Entry:
        given = self.validated_data
        ids, hashes = given["evidence"]
        return Entry(given["client_uid"], given["reason"], ids, hashes, given.get("captured_at"))


class AppealSerializer(EntrySerializer):
    """`POST credit/appeals/`. `disputed`: numbers of the facts that the shop denies; `captured_at`: when the
    phone took it down without a network (at most five days ago), which is when the shop appealed."""

    captured_at = serializers.DateTimeField(required=False, allow_null=True, default=None)
    entity = serializers.IntegerField(min_value=1, max_value=BIGGEST)
    assessment = serializers.IntegerField(min_value=1, max_value=BIGGEST)
    disputed = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=BIGGEST),
        max_length=50,
        required=False,
        default=list,
    )


class RepairSerializer(EntrySerializer):
    """`POST credit/repairs/`. `fact`: the penalty; `evidence`: that it was paid or corrected."""

    fact = serializers.IntegerField(min_value=1, max_value=BIGGEST)


class DecideRepairSerializer(StrictSerializer):
    upheld = serializers.BooleanField()
    note = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")


class DecideAppealSerializer(DecideRepairSerializer):
    """`withdrawn`: which facts do not hold; left out: all that are disputed."""

    withdrawn = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=BIGGEST),
        max_length=50,
        required=False,
        allow_null=True,
        default=None,
    )


class CreditReasonSerializer(StrictSerializer):
    reason = serializers.CharField(max_length=500)


class NominateSerializer(CreditReasonSerializer):
    client_uid = serializers.UUIDField()
    entity = serializers.IntegerField(min_value=1, max_value=BIGGEST)


class TakeBackSerializer(StrictSerializer):
    reason = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")


class DraftSerializer(StrictSerializer):
    title = serializers.CharField(max_length=60)
    basis = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")


class EditSchemeSerializer(StrictSerializer):
    """`PATCH credit/schemes/{id}/`; `rules` may name single values: `{"patrol": {"months": 12}}`."""

    title = serializers.CharField(max_length=60, required=False)
    basis = serializers.CharField(max_length=200, required=False, allow_blank=True)
    rules = serializers.DictField(required=False)


class CreditActSerializer(StrictSerializer):
    pass


# --- answered --------------------------------------------------------------------------------------


class CreditPersonOut(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    username = serializers.CharField()
    name = serializers.CharField()


class CreditShopOut(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    grid = serializers.CharField(allow_null=True)


class CreditCodeOut(serializers.Serializer[Any]):
    """A code of the scheme, and what it is called."""

    code = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]


class CreditFactOut(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    entity = serializers.IntegerField()
    kind = serializers.ChoiceField(choices=FactKind.choices)
    kind_label = serializers.CharField()
    level = serializers.CharField()
    level_label = serializers.CharField()
    ref = serializers.CharField()
    source = serializers.CharField()  # type: ignore[assignment]
    at = serializers.DateTimeField()
    happened_on = serializers.DateField()
    until = serializers.DateField(allow_null=True)
    what = serializers.CharField()
    number = serializers.CharField()
    withdrawn = serializers.BooleanField()
    recorded_at = serializers.DateTimeField()


class ScoredOut(serializers.Serializer[Any]):
    indicators = serializers.DictField(child=serializers.CharField(), help_text="I1 … I8")
    total = serializers.CharField()
    computed_grade = serializers.ChoiceField(choices=CreditGrade.choices)
    effective_grade = serializers.ChoiceField(choices=CreditGrade.choices)
    cause = serializers.ChoiceField(choices=CAUSES)
    caps = CreditCodeOut(many=True)
    vetoes = CreditCodeOut(many=True)
    held_by = CreditCodeOut(many=True)


class CreditAssessmentOut(ScoredOut):
    id = serializers.IntegerField()
    entity = serializers.IntegerField()
    scheme = serializers.IntegerField(help_text="number of the scheme")
    trigger = serializers.ChoiceField(choices=CreditAssessment.Trigger.choices)
    trigger_label = serializers.CharField()
    previous_grade = serializers.CharField(allow_blank=True)
    at = serializers.DateTimeField()
    on = serializers.DateField()


class CreditStandingOut(ScoredOut):
    effective_since = serializers.DateField()
    assessed_at = serializers.DateTimeField()
    scheme = serializers.IntegerField(help_text="number of the scheme")
    assessment = serializers.IntegerField(
        allow_null=True, help_text="the newest: what one may appeal against"
    )


class CreditSectionOut(serializers.Serializer[Any]):
    code = serializers.CharField()
    title = serializers.CharField()
    text = serializers.CharField()
    points = serializers.CharField(allow_blank=True)
    most = serializers.CharField(allow_blank=True)


class EntityCreditOut(serializers.Serializer[Any]):
    """The grade of one business, explained down to the fact. Internal: never on a public page."""

    entity = CreditShopOut()
    standing = CreditStandingOut(allow_null=True)
    on = serializers.DateField()
    text = serializers.CharField()
    sections = CreditSectionOut(many=True)
    facts = CreditFactOut(many=True, help_text="the newest 200; all of them: `credit/facts/?entity=`")
    red_partner = serializers.ChoiceField(choices=RedPartner.State.choices, allow_null=True)


class AskedOut(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    entity = CreditShopOut()
    state = serializers.ChoiceField(choices=Outcome.choices)
    state_label = serializers.CharField()
    reason = serializers.CharField()
    evidence = serializers.ListField(child=serializers.CharField(), help_text="SHA-256")
    asked_by = CreditPersonOut()
    asked_at = serializers.DateTimeField()
    due_at = serializers.DateTimeField(allow_null=True)
    approval = serializers.IntegerField(allow_null=True, help_text="the approval that waits")
    decided_by = CreditPersonOut(allow_null=True)
    decided_at = serializers.DateTimeField(allow_null=True)
    note = serializers.CharField(allow_blank=True)
    version = serializers.IntegerField()


class AppealOut(AskedOut):
    assessment = serializers.IntegerField()
    assessed_on = serializers.DateField()
    grade = serializers.ChoiceField(choices=CreditGrade.choices)
    disputed = serializers.ListField(child=serializers.IntegerField())
    withdrawn = serializers.ListField(child=serializers.IntegerField())
    answer = serializers.CharField(help_text="to hand to the shop")


class RepairOut(AskedOut):
    fact = CreditFactOut()


class RedPartnerOut(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    entity = CreditShopOut()
    community = serializers.CharField()
    state = serializers.ChoiceField(choices=RedPartner.State.choices)
    state_label = serializers.CharField()
    reason = serializers.CharField()
    nominated_by = CreditPersonOut()
    nominated_at = serializers.DateTimeField()
    decided_by = CreditPersonOut(allow_null=True)
    decided_at = serializers.DateTimeField(allow_null=True)
    suspended_at = serializers.DateTimeField(allow_null=True)
    revoked_by = CreditPersonOut(allow_null=True)
    revoked_at = serializers.DateTimeField(allow_null=True)
    note = serializers.CharField(allow_blank=True)
    version = serializers.IntegerField()


class SchemeRowOut(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    number = serializers.IntegerField()
    title = serializers.CharField()
    basis = serializers.CharField(allow_blank=True)
    state = serializers.ChoiceField(choices=CreditScheme.State.choices)
    in_force_at = serializers.DateTimeField(allow_null=True)
    retired_at = serializers.DateTimeField(allow_null=True)
    drafted_by = CreditPersonOut(allow_null=True)
    drafted_at = serializers.DateTimeField()
    decided_by = CreditPersonOut(allow_null=True)
    version = serializers.IntegerField()


class SchemeValueOut(serializers.Serializer[Any]):
    section = serializers.CharField()
    section_label = serializers.CharField()
    name = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    unit = serializers.CharField(allow_blank=True)
    value = serializers.JSONField()


class SchemeDifferenceOut(serializers.Serializer[Any]):
    path = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    before = serializers.JSONField()
    after = serializers.JSONField()


class SchemeProgressOut(serializers.Serializer[Any]):
    done = serializers.IntegerField()
    of = serializers.IntegerField()


class SchemeOut(SchemeRowOut):
    """One version. `tried`: its last trial is of these very rules; `regraded`: who is graded by it yet."""

    rules = serializers.DictField()
    values = SchemeValueOut(many=True)
    changes = SchemeDifferenceOut(many=True, help_text="a draft's, against what is in force")
    tried = serializers.BooleanField()
    trial = serializers.DictField(allow_null=True)
    trial_at = serializers.DateTimeField(allow_null=True)
    trial_asked_at = serializers.DateTimeField(allow_null=True)
    trial_done = serializers.IntegerField()
    trial_error = serializers.CharField(allow_blank=True)
    regraded = SchemeProgressOut(allow_null=True)


class SchemeFaultOut(serializers.Serializer[Any]):
    code = serializers.CharField()
    detail = serializers.CharField()
    attr = serializers.CharField(allow_null=True)


class SchemeFaultsOut(serializers.Serializer[Any]):
    """422: everything that is wrong with the rules, at once."""

    type = serializers.CharField()
    errors = SchemeFaultOut(many=True)  # type: ignore[assignment]
