from django.contrib.postgres.indexes import BrinIndex
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("orders", "0001_initial")]

    operations = [
        migrations.AddIndex(
            model_name="order",
            index=BrinIndex(autosummarize=True, fields=["at"], name="order_by_time", pages_per_range=32),
        ),
        migrations.AddIndex(
            model_name="order",
            index=models.Index(condition=Q(buyer__isnull=False), fields=["buyer"], name="order_by_buyer"),
        ),
        migrations.AddIndex(
            model_name="givenback",
            index=BrinIndex(autosummarize=True, fields=["at"], name="given_back_by_time", pages_per_range=32),
        ),
    ]
