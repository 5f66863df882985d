from django.contrib.postgres.indexes import BrinIndex
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("access", "0001_initial")]

    operations = [
        migrations.AddIndex(
            model_name="passage",
            index=BrinIndex(autosummarize=True, fields=["at"], name="passage_by_time", pages_per_range=32),
        ),
    ]
