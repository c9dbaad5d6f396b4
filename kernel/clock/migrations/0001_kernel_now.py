"""`kernel_now()` and its one-row offset table."""

from django.db import migrations, models

FUNCTION = """
INSERT INTO clock_clockoffset (id, ahead) VALUES (1, interval '0') ON CONFLICT DO NOTHING;
CREATE FUNCTION kernel_now() RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE AS
$$ SELECT transaction_timestamp() + (SELECT ahead FROM clock_clockoffset WHERE id = 1) $$;
"""


class Migration(migrations.Migration):
    initial = True
    dependencies: list[tuple[str, str]] = []
    operations = [
        migrations.CreateModel(
            name="ClockOffset",
            fields=[
                (
                    "id",
                    models.SmallIntegerField(
                        default=1, primary_key=True, serialize=False, verbose_name="编号"
                    ),
                ),
                ("ahead", models.DurationField(verbose_name="提前量")),
            ],
            options={
                "verbose_name": "测试时钟",
                "verbose_name_plural": "测试时钟",
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("id", 1)), name="clock_clockoffset_one_row")
                ],
            },
        ),
        migrations.RunSQL(FUNCTION, "DROP FUNCTION kernel_now()"),
    ]
