"""What must be true of the record whoever was killed: sealed whole, gap-free, as promised, and what the tables say."""

from __future__ import annotations

from django.db import connection

from karnet.accounts.selectors import books_balance
from karnet.journal.rebuilding import check
from karnet.journal.selectors import progress
from karnet.journal.tlog.checkpoint import open_checkpoint
from karnet.journal.verification import verify_home
from karnet.wiring.checkpoint_file import CheckpointFile
from karnet.wiring.installation import Installation
from karnet.wiring.log_keys import verifier_key
from karnet.wiring.sealing import sealer_for


def seal(home: Installation) -> int:
    """Seal everything; return how many entries were."""
    with sealer_for(home) as sealer:
        return sealer.seal_all()


def assert_sound(home: Installation) -> None:
    """Seal the rest, then compare log, checkpoint file and tables with each other. Run in a child."""
    seal(home)
    assert_sealed(home)
    rebuilt = check()
    assert rebuilt.sound, (rebuilt.stopped, rebuilt.differences)
    assert set(books_balance().values()) == {0}


def assert_sealed(home: Installation) -> None:
    """Every operation has one index, no index is missing, every note of the database is in the file, all verifies."""
    found = progress()
    assert found.unsealed == 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*), count(DISTINCT operation_id), max(index) + 1 FROM journal_entry")
        assert cursor.fetchone() == (found.sealed,) * 3
        cursor.execute("SELECT count(*) FROM journal_operation")
        assert cursor.fetchone() == (found.sealed,)
        cursor.execute("SELECT note FROM journal_checkpoint ORDER BY size")
        notes = [note.encode() for (note,) in cursor.fetchall()]
    witnessed = CheckpointFile(home.checkpoints_file).read()
    assert [w.note for w in witnessed] == notes
    key = verifier_key(home)
    assert open_checkpoint(notes[-1], origin=key.name, log_keys=[key]).checkpoint.size == found.sealed
    verified = verify_home(key, witnessed)
    assert verified.sound, verified.faults
    assert verified.size == found.sealed
