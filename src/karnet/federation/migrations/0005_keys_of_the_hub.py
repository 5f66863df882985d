from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("federation", "0004_refused_acts")]

    operations = [migrations.AddField("voucher", "above", models.BigIntegerField(null=True))]
