"""A platform's form is for its own matters: a general address is told in ours."""

from __future__ import annotations

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("notices", "0003_webhooks")]

    operations = [
        migrations.AddConstraint(
            model_name="webhookendpoint",
            constraint=models.CheckConstraint(
                condition=Q(format="suoshe") | ~Q(source=""),
                name="notices_webhookendpoint_form_of_its_platform",
                violation_error_message="外部平台的报文格式只用于该平台转来的事项。",
            ),
        ),
    ]
