"""Lockout: after too many wrong passwords nobody may try again for a while, per user name and per address."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import connection

WINDOW = timedelta(minutes=15)
"""Failures count for this long after the first of them, and so does the lock."""

NAME_LIMIT = 5
"""Tries for one user name in a window."""

ADDRESS_LIMIT = 50
"""Tries from one address: all tills of a facility may share one."""

_KEPT = timedelta(days=1)


def may_try(username: str, address: str, at: datetime) -> bool:
    """Count a try and tell whether it may be made.

    The count comes before the password is looked at, in one statement, so that tries made at once count as well.
    A try that is not allowed looks exactly like a wrong password to whoever makes it, apart from the words.
    """
    subjects = sorted({_name(username), f"address:{address[:64]}"})
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM faces_log_in_failures WHERE since < %s", [at - _KEPT])
        cursor.execute(
            "INSERT INTO faces_log_in_failures AS f (subject, failures, since)"
            " SELECT subject, 1, %s FROM unnest(%s::text[]) AS subject ORDER BY subject"
            " ON CONFLICT (subject) DO UPDATE SET"
            " failures = CASE WHEN f.since <= %s THEN 1 ELSE f.failures + 1 END,"
            " since = CASE WHEN f.since <= %s THEN excluded.since ELSE f.since END"
            " RETURNING subject, failures",
            [at, subjects, at - WINDOW, at - WINDOW],
        )
        counted: dict[str, int] = dict(cursor.fetchall())
    limits = {_name(username): NAME_LIMIT}
    return all(failures <= limits.get(subject, ADDRESS_LIMIT) for subject, failures in counted.items())


def succeeded(username: str, address: str) -> None:
    """Forget the failures of a user name after a right password; of the address, only this try."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM faces_log_in_failures WHERE subject = %s", [_name(username)])
        cursor.execute(
            "UPDATE faces_log_in_failures SET failures = greatest(failures - 1, 0) WHERE subject = %s",
            [f"address:{address[:64]}"],
        )


def _name(username: str) -> str:
    # Log-ins are found in any case, by upper case: letters that become one there ("s", "ſ") must be one here, too.
    return f"name:{username.upper().casefold()[:128]}"
