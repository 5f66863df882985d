from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("journal", "0006_quarantines"),
    ]

    operations = [
        migrations.AddField(
            model_name="logkey",
            name="ends",
            field=models.BigIntegerField(null=True),
        ),
        # A key that is lost right after it came into force is replaced from the same size on.
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    "ALTER TABLE journal_log_key DROP CONSTRAINT journal_log_key_pkey,"
                    " ADD CONSTRAINT journal_log_key_pkey PRIMARY KEY (origin_id, vkey)",
                    "ALTER TABLE journal_log_key DROP CONSTRAINT journal_log_key_pkey,"
                    " ADD CONSTRAINT journal_log_key_pkey PRIMARY KEY (origin_id, first)",
                ),
            ],
            state_operations=[
                migrations.AlterField(
                    model_name="logkey",
                    name="pk",
                    field=models.CompositePrimaryKey(
                        "origin_id", "vkey", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
            ],
        ),
    ]
