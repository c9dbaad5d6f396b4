"""Application of `credit`."""

from django.apps import AppConfig


class CreditConfig(AppConfig):
    name = "credit"
    label = "credit"
    verbose_name = "信用分类"

    def ready(self) -> None:
        from credit import (
            appeals,
            audit_rules,
            fall_notices,
            history_words,
            importing,
            parting,
            partner_moves,
            partners,
            questions,
            register_facts,
            repairs,
        )

        audit_rules.register()
        fall_notices.register()
        register_facts.register()
        appeals.register()
        repairs.register()
        partners.register()
        partner_moves.register()
        parting.register()
        questions.register_files()
        importing.register()
        history_words.register()
