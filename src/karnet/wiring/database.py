"""The database around the tables: migrations, what each role may do, and the guards.

Guards are triggers, so that they hold for every writer, the owner of the tables included:
projected tables refuse a statement outside `journal.transact`; the record itself refuses UPDATE, DELETE and TRUNCATE.
"""

from __future__ import annotations

from typing import Any

from django.core.management import call_command
from django.db import connection

from karnet.journal.models import ProjectedModel
from karnet.journal.rebuilding import projected_models

INSERT_ONLY = (
    "journal_operation",
    "journal_content",
    "journal_entry",
    "journal_checkpoint",
    "journal_origin",
    "faces_log_in_event",
    "parties_look",
    "journal_log_key",
)

SECRET = (
    "parties_user",
    "parties_customer",
    "parties_customer_key",
    "parties_look",
    "parties_name",
    "parties_company",
    "journal_content",
    "django_session",
    "faces_device_token",
    "faces_recovery_code",
    "otp_totp_totpdevice",
    "api_webhook",
    "federation_token",
    "devices_job",
)
"""What opens something (log-ins, sessions, tokens, keys), says who somebody is, or is nobody's to read: not for those
who only look."""

_FUNCTIONS = """
CREATE SEQUENCE IF NOT EXISTS journal_operation_number;

CREATE OR REPLACE FUNCTION karnet_written_by_projections_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('karnet.recording', true) IS DISTINCT FROM 'on' THEN
        RAISE EXCEPTION 'table % is written by projections only: record an operation', TG_TABLE_NAME
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION karnet_rows_written_by_projections_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('karnet.recording', true) IS DISTINCT FROM 'on' THEN
        RAISE EXCEPTION 'this row of table % is written by projections only: record an operation', TG_TABLE_NAME
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN coalesce(NEW, OLD);
END $$;

CREATE OR REPLACE FUNCTION karnet_insert_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'table % is part of the record: rows are only ever added', TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE OR REPLACE FUNCTION karnet_tell_news() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('karnet_news', '');
    RETURN NULL;
END $$;
"""


def are_tables_behind() -> bool:
    """Tell whether this version has tables that the database has not."""
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def migrate(verbosity: int = 0) -> bool:
    """Bring the tables up to date (as their owner), then install guards and rights; return whether there is a record
    that new tables have not heard of yet (`journal.rebuilding.repair`). Safe to repeat."""
    behind = are_tables_behind()
    call_command("migrate", verbosity=verbosity, interactive=False)
    with connection.cursor() as cursor:
        install_guards(cursor)
        cursor.execute("SELECT EXISTS (SELECT FROM journal_operation)")
        return behind and cursor.fetchone() == (True,)


def projected_tables() -> list[str]:
    """Return the tables only projections write, lower slices first."""
    return [model._meta.db_table for model in projected_models()]


def install_guards(cursor: Any) -> None:
    """Create the guard triggers and grant each role what it needs and no more."""
    cursor.execute(_FUNCTIONS)
    for model in projected_models():
        _guard_projected(cursor, model)
    for table in INSERT_ONLY:
        _guard(cursor, table, "UPDATE OR DELETE OR TRUNCATE", "karnet_insert_only")
    # Whoever seals or receives moves a tree; the relay and waiting members hear of it at commit (federation.http.news).
    cursor.execute(
        "CREATE OR REPLACE TRIGGER karnet_tell_news AFTER UPDATE ON journal_tree FOR EACH STATEMENT"
        " EXECUTE FUNCTION karnet_tell_news()"
    )
    cursor.execute("SELECT count(*) FROM pg_roles WHERE rolname IN ('karnet_app', 'karnet_read')")
    if cursor.fetchone() == (2,):  # an external database may be run with one role: then rights are its keeper's
        _grant(cursor)


def _guard(cursor: Any, table: str, events: str, function: str) -> None:
    cursor.execute(
        f"CREATE OR REPLACE TRIGGER {function} BEFORE {events} ON {table} FOR EACH STATEMENT"
        f" EXECUTE FUNCTION {function}()"
    )


def _guard_projected(cursor: Any, model: type[ProjectedModel]) -> None:
    table, function = model._meta.db_table, "karnet_written_by_projections_only"
    events = "INSERT OR UPDATE OR DELETE OR TRUNCATE"
    if model.UNPROJECTED_SUM:
        kept = [str(f.column) for f in model._meta.concrete_fields if f.column not in (None, model.UNPROJECTED_SUM)]
        events = f"INSERT OR DELETE OR TRUNCATE OR UPDATE OF {', '.join(kept)}"
    if model.UNPROJECTED_COLUMN:
        _guard(cursor, table, "TRUNCATE", function)
        for event, row in (("INSERT", "NEW"), ("DELETE", "OLD")):
            cursor.execute(
                f"CREATE OR REPLACE TRIGGER karnet_{event.lower()} BEFORE {event} ON {table} FOR EACH ROW"
                f" WHEN ({row}.{model.UNPROJECTED_COLUMN} IS NULL)"
                " EXECUTE FUNCTION karnet_rows_written_by_projections_only()"
            )
        # No hold becomes anything else: it is deleted, and what the journal says is inserted.
        cursor.execute(
            f"CREATE OR REPLACE TRIGGER karnet_update BEFORE UPDATE ON {table} FOR EACH STATEMENT"
            f" EXECUTE FUNCTION {function}()"
        )
        return
    _guard(cursor, table, events, function)


def _grant(cursor: Any) -> None:
    cursor.execute("GRANT USAGE ON SCHEMA public TO karnet_app, karnet_read")
    cursor.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO karnet_read")
    cursor.execute(f"REVOKE SELECT ON {', '.join(SECRET)} FROM karnet_read")
    cursor.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO karnet_app")
    cursor.execute(f"REVOKE UPDATE, DELETE ON {', '.join(INSERT_ONLY)}, django_migrations FROM karnet_app")
    cursor.execute("GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO karnet_app")
