"""The form of a scheme: one field for each value, by its Chinese name, unit and bounds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from credit.scheme import GRADES, SchemeError
from credit.scheme_values import SECTIONS, VALUES, Value


def text(label: str, longest: int, **options: Any) -> forms.CharField:
    return forms.CharField(label=label, max_length=longest, widget=UnfoldAdminTextInputWidget, **options)


class DraftForm(forms.Form):
    """起草."""

    title = text("方案名称", 60)
    basis = text("依据", 200, required=False, help_text="文件名称、文号。")


class DropForm(forms.Form):
    revision = forms.IntegerField(widget=forms.HiddenInput, min_value=1)
    reason = forms.CharField(label="放弃理由", max_length=200, widget=UnfoldAdminTextareaWidget)


class RevisionForm(forms.Form):
    """The revision that the person has on his page."""

    revision = forms.IntegerField(widget=forms.HiddenInput, min_value=1)


class NumberWidget(UnfoldAdminTextInputWidget):
    """A number, with the keys for it on a telephone."""

    input_type = "number"


class RulesForm(forms.Form):
    """All values of a draft. What is at odds is said by `credit.scheme.parse`, beside the value."""

    revision = forms.IntegerField(widget=forms.HiddenInput, min_value=1)
    title = text("方案名称", 60)
    basis = text("依据", 200, required=False, help_text="文件名称、文号。")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for (section, name), value in VALUES.items():
            self.fields[field_name(section, name)] = field_of(value)

    @staticmethod
    def initial_of(rules: Mapping[str, Any]) -> dict[str, Any]:
        return {field_name(section, name): rules[section][name] for section, name in VALUES}

    def rules(self) -> dict[str, dict[str, Any]]:
        """As the service takes them: JSON numbers."""
        found: dict[str, dict[str, Any]] = {}
        for (section, name), value in VALUES.items():
            said = self.cleaned_data[field_name(section, name)]
            if value.is_points:
                said = int(said) if said == said.to_integral_value() else float(said)
            found.setdefault(section, {})[name] = said
        return found

    def refuse(self, wrong: SchemeError) -> None:
        """Say each fault beside its value."""
        for fault in wrong.faults:
            field = fault.path.replace(".", "-")
            self.add_error(field if field in self.fields else None, f"{fault.label}{fault.message}。")

    def sections(self) -> list[tuple[str, list[forms.BoundField]]]:
        return [
            (label, [self[field_name(its, name)] for its, name in VALUES if its == section])
            for section, label in SECTIONS.items()
        ]


def field_name(section: str, name: str) -> str:
    return f"{section}-{name}"


def field_of(value: Value) -> forms.Field:
    """The field of one value, in its unit."""
    if value.is_grade:
        choices = [(grade, f"{grade}级") for grade in GRADES[1:]]
        return forms.ChoiceField(label=value.label, choices=choices, widget=UnfoldAdminSelectWidget)
    label, help_text = f"{value.label}（{value.unit}）", value.bounds()
    bounds: dict[str, Any] = {"label": label, "help_text": help_text}
    bounds |= {"min_value": value.low, "max_value": value.high}
    if value.is_points:
        widget = NumberWidget(attrs={"step": "0.01"})
        return forms.DecimalField(max_digits=6, decimal_places=2, widget=widget, **bounds)
    return forms.IntegerField(widget=NumberWidget(), **bounds)
