"""What may happen once is claimed apart from the fact that it happened: of two servers both may have done it."""

import django.db.models.deletion
from django.db import migrations, models

from karnet.entitlements.rules import chip_key

_KEYS = """
ALTER TABLE entitlements_lift DROP CONSTRAINT entitlements_lift_pkey;
ALTER TABLE entitlements_lift ADD PRIMARY KEY (block_id, origin, number);
ALTER TABLE entitlements_deposit_back DROP CONSTRAINT entitlements_deposit_back_pkey;
ALTER TABLE entitlements_deposit_back ADD PRIMARY KEY (deposit_id, origin, number);
"""

_CLAIMS = """
SELECT set_config('karnet.recording', 'on', true);
INSERT INTO journal_guard (guard, key, claims) SELECT 'block_lifted', block_id, 1 FROM entitlements_lift;
INSERT INTO journal_guard (guard, key, claims) SELECT 'deposit_returned', deposit_id, 1 FROM entitlements_deposit_back;
INSERT INTO journal_guard (guard, key, claims) SELECT 'medium_issued', id, 1 FROM entitlements_medium;
"""


def _chips(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT chip FROM entitlements_medium")
        keys = [chip_key(chip) for (chip,) in cursor.fetchall()]
        cursor.execute(
            "INSERT INTO journal_guard (guard, key, claims) SELECT 'chip_issued', key, 1 FROM unnest(%s::uuid[]) AS key",
            [keys],
        )


class Migration(migrations.Migration):
    dependencies = [
        ("entitlements", "0003_holders"),
        ("journal", "0005_arrivals"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(_KEYS)],
            state_operations=[
                migrations.DeleteModel("Lift"),
                migrations.DeleteModel("DepositBack"),
                migrations.CreateModel(
                    name="Lift",
                    fields=[
                        ("pk", models.CompositePrimaryKey("block", "origin", "number", blank=True, editable=False, primary_key=True, serialize=False)),
                        ("block", models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="entitlements.block")),
                        ("at", models.DateTimeField()),
                        ("origin", models.SmallIntegerField()),
                        ("number", models.BigIntegerField()),
                    ],
                    options={"db_table": "entitlements_lift"},
                ),
                migrations.CreateModel(
                    name="DepositBack",
                    fields=[
                        ("pk", models.CompositePrimaryKey("deposit", "origin", "number", blank=True, editable=False, primary_key=True, serialize=False)),
                        ("deposit", models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="entitlements.deposit")),
                        ("medium", models.UUIDField()),
                        ("facility", models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="parties.facility")),
                        ("amount", models.BigIntegerField()),
                        ("currency", models.CharField(max_length=3)),
                        ("at", models.DateTimeField()),
                        ("origin", models.SmallIntegerField()),
                        ("number", models.BigIntegerField()),
                    ],
                    options={"db_table": "entitlements_deposit_back"},
                ),
            ],
        ),
        migrations.AlterField(
            model_name="medium", name="chip", field=models.CharField(db_index=True, max_length=128)
        ),
        migrations.RunSQL(_CLAIMS, migrations.RunSQL.noop),
        migrations.RunPython(_chips, migrations.RunPython.noop),
    ]
