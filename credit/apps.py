"""Application of `credit`."""

from django.apps import AppConfig


class CreditConfig(AppConfig):
    name = "credit"
    label = "credit"
    verbose_name = "信用分类"

    def ready(self) -> None:
        from credit import audit_rules, fall_notices, register_facts

        audit_rules.register()
        fall_notices.register()
        register_facts.register()
