"""Both sides of a transfer are accounts of its own unit: composite foreign keys, which models cannot express."""

from django.db import migrations


def same_unit(table, side):
    name = f"{table}_{side}_in_unit"
    return migrations.RunSQL(
        f"ALTER TABLE {table} ADD CONSTRAINT {name} FOREIGN KEY ({side}, unit)"
        " REFERENCES accounts_account (id, unit) DEFERRABLE INITIALLY DEFERRED",
        f"ALTER TABLE {table} DROP CONSTRAINT {name}",
    )


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]

    operations = [
        same_unit("accounts_transfer", "source"),
        same_unit("accounts_transfer", "target"),
        same_unit("accounts_reservation", "source"),
        # Balances change all the time and no index holds them: room on the page keeps such an update cheap (HOT).
        migrations.RunSQL(
            "ALTER TABLE accounts_account SET (fillfactor = 70)", "ALTER TABLE accounts_account RESET (fillfactor)"
        ),
        # Rows here come and go within a second; what they leave behind is cleared up soon.
        migrations.RunSQL(
            "ALTER TABLE accounts_unfolded SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000)",
            "ALTER TABLE accounts_unfolded RESET (autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold)",
        ),
    ]
