"""The log's next key: made beside the one in force, and put in its place once the hub lets it sign.

`keys/log.key.next` is the next private key, from when it is made until it is in force. It is put in place by whoever
holds the sealer's lock, so no signature falls in between, in three steps that a crash may separate: the key in force is
written down as an earlier one with the size at which it ends; the next becomes `log.key`; `log.vkey` follows. Whoever
seals next goes on from wherever it stopped, before it signs.
"""

from __future__ import annotations

import secrets

from karnet.journal.tlog.note import SignatureType, SigningKey
from karnet.wiring.files import FileLock, sync_directory, write_atomically
from karnet.wiring.installation import Installation
from karnet.wiring.log_keys import (
    earlier_keys,
    earlier_keys_file,
    ensure_log_key,
    key_file,
    next_key_file,
    read_signing_key,
    verifier_key,
)
from karnet.wiring.problem import explained


def next_key(installation: Installation) -> SigningKey | None:
    """Return the key that waits to be in force, None if there is none. Raises InstallationProblem."""
    file = next_key_file(installation)
    return read_signing_key(installation, file) if file.exists() else None


def make_next_key(installation: Installation) -> SigningKey:
    """Return the key that waits to be in force, making it (0600, durable) if there is none. Safe to repeat."""
    with FileLock(installation.run_dir / "keys.lock").held():
        file = next_key_file(installation)
        if not file.exists():
            made = SigningKey(installation.name, SignatureType.ED25519, secrets.token_bytes(32))
            with explained("write", file):
                write_atomically(file, made.format().encode() + b"\n", mode=0o600)
        return read_signing_key(installation, file)


def put_next_in_force(installation: Installation, size: int) -> SigningKey:
    """Put the next key in the place of the one in force, which signed up to `size` entries, and return it.

    Only for who holds the sealer's lock, with `size` the log's. Safe to repeat after a crash in between. The private key
    it replaces is gone afterwards.
    """
    with FileLock(installation.run_dir / "keys.lock").held():
        old = verifier_key(installation)
        kept = [(until, key) for until, key in earlier_keys(installation) if key != old]
        lines = [f"{until} {key.format()}\n" for until, key in (*kept, (size, old))]
        with explained("write", earlier_keys_file(installation)):
            write_atomically(earlier_keys_file(installation), "".join(lines).encode(), mode=0o600)
        with explained("write", key_file(installation)):
            next_key_file(installation).replace(key_file(installation))
            sync_directory(installation.keys_dir)
    return ensure_log_key(installation)
