"""A right used by two servers that did not know of each other is two facts: the claim tells that there were two."""

import django.db.models.deletion
from django.db import migrations, models

_KEY = """
ALTER TABLE loyalty_right_use DROP CONSTRAINT loyalty_right_use_pkey;
ALTER TABLE loyalty_right_use ADD PRIMARY KEY (right_id, origin, number);
SELECT set_config('karnet.recording', 'on', true);
INSERT INTO journal_guard (guard, key, claims) SELECT 'right_used', right_id, 1 FROM loyalty_right_use;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("loyalty", "0001_initial"),
        ("journal", "0005_arrivals"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(_KEY)],
            state_operations=[
                migrations.DeleteModel("RightUse"),
                migrations.CreateModel(
                    name="RightUse",
                    fields=[
                        ("pk", models.CompositePrimaryKey("right", "origin", "number", blank=True, editable=False, primary_key=True, serialize=False)),
                        ("right", models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="loyalty.right")),
                        ("order", models.UUIDField()),
                        ("at", models.DateTimeField()),
                        ("origin", models.SmallIntegerField()),
                        ("number", models.BigIntegerField()),
                    ],
                    options={"db_table": "loyalty_right_use"},
                ),
            ],
        ),
    ]
