from django.contrib.postgres.indexes import BrinIndex
from django.db import migrations

# Refusals are the fewer: an index over them alone costs a sale or a passage nothing but the test of its last bytes.
_REFUSAL = r"substr(answer, octet_length(answer) - 16) = '\x2274797065223a2272656675736564227d'::bytea"


class Migration(migrations.Migration):
    dependencies = [("journal", "0002_break")]

    operations = [
        migrations.AddIndex(
            model_name="operation",
            index=BrinIndex(autosummarize=True, fields=["at"], name="operation_by_time", pages_per_range=32),
        ),
        migrations.RunSQL(
            f"CREATE INDEX journal_request_refused ON journal_request (at) WHERE {_REFUSAL}",
            "DROP INDEX journal_request_refused",
        ),
    ]
