"""The key that signs this server's log, and its public half, in the installation's `keys` directory.

`log.key` is the private key as text (C2SP signed-note, the form Go's note package writes), `log.vkey` the verifier key,
which everybody may know: it is copied into exports. Both are named after the log. A key is made once, before anything
is signed; afterwards a missing key is a problem for a person, never a reason to make another.

A server of a common card may change its key (wiring.key_change). `log.vkey` is always the newest; `log.earlier` has the
public keys before it, one a line, oldest first: the size up to which it signed, a space, the verifier key.
"""

from __future__ import annotations

import secrets
import stat
from pathlib import Path

from karnet.journal.tlog.keyring import Keyring, LogKey
from karnet.journal.tlog.note import NoteError, SignatureType, SigningKey, VerifierKey
from karnet.wiring.files import FileLock, write_atomically
from karnet.wiring.installation import Installation
from karnet.wiring.problem import InstallationProblem, explained


def key_file(installation: Installation) -> Path:
    """Where the private key is."""
    return installation.keys_dir / "log.key"


def verifier_file(installation: Installation) -> Path:
    """Where the public key is, in the form that other tools read."""
    return installation.keys_dir / "log.vkey"


def next_key_file(installation: Installation) -> Path:
    """Where the next private key waits, from when it is made until it is in force."""
    return installation.keys_dir / "log.key.next"


def earlier_keys_file(installation: Installation) -> Path:
    """Where the public keys are that signed before the one in force."""
    return installation.keys_dir / "log.earlier"


def ensure_log_key(installation: Installation) -> SigningKey:
    """Return the log's signing key, making it (0600) for a log that has signed nothing yet. Safe to repeat.

    Raises InstallationProblem: `log-key-lost` if checkpoints were signed and the key is gone, `log-key-ended` if the
    key is one that another has followed.
    """
    with FileLock(installation.run_dir / "keys.lock").held():
        if not key_file(installation).exists():
            if installation.checkpoints_file.exists() and installation.checkpoints_file.stat().st_size:
                raise _lost(installation)
            key = SigningKey(installation.name, SignatureType.ED25519, secrets.token_bytes(32))
            with explained("write", key_file(installation)):
                write_atomically(key_file(installation), key.format().encode() + b"\n", mode=0o600)
        key = signing_key(installation)
        ended = key.verifier in [earlier for _, earlier in earlier_keys(installation)]
        if ended and not next_key_file(installation).exists():  # Else it is being exchanged.
            raise InstallationProblem(
                "log-key-ended",
                f"{key_file(installation)} is a key that this log had before: another one has followed it.",
                "Put the key in force back from a backup of the keys. If there is none, move this one away and run "
                "`karnet federation key replace`.",
            )
        public = key.verifier.format().encode() + b"\n"
        with explained("write", verifier_file(installation)):
            if not verifier_file(installation).exists() or verifier_file(installation).read_bytes() != public:
                write_atomically(verifier_file(installation), public, mode=0o600)
    return key


def signing_key(installation: Installation) -> SigningKey:
    """Return the log's signing key. Raises InstallationProblem if it is missing, damaged, open or another log's."""
    return read_signing_key(installation, key_file(installation))


def read_signing_key(installation: Installation, file: Path) -> SigningKey:
    """Return the private key of this installation's log in a file. Raises InstallationProblem."""
    try:
        with explained("read", file):
            text = file.read_text().strip()
            mode = stat.S_IMODE(file.stat().st_mode)
    except InstallationProblem as problem:
        if isinstance(problem.__cause__, FileNotFoundError):
            raise _lost(installation) from problem
        raise
    if mode & 0o077:
        raise InstallationProblem(
            "secret-open",
            f"{file} can be read by other users of this machine (mode {mode:o}).",
            f"Close it with `chmod 600 {file}`, and consider what others may have copied: whoever has it can sign.",
        )
    try:
        key = SigningKey.parse(text)
    except NoteError as error:
        raise InstallationProblem(
            "log-key-damaged", f"{file} is not a signing key: {error}.", "Restore it from a backup of the keys."
        ) from error
    if key.name != installation.name:
        raise InstallationProblem(
            "log-key-of-another",
            f"{file} is the key of {key.name!r}; this log is {installation.name!r}.",
            "Put the right key back, or the right name into karnet.toml: a log's name never changes.",
        )
    return key


def verifier_key(installation: Installation) -> VerifierKey:
    """Return the log's public key; it needs no secret. Raises InstallationProblem if it is missing or damaged."""
    file = verifier_file(installation)
    if not file.exists():
        return signing_key(installation).verifier
    return read_verifier_key(file)


def own_keys(installation: Installation) -> Keyring:
    """Return all public keys of this server's log, each with the sizes it signs. Raises InstallationProblem."""
    newest, found, above = verifier_key(installation), list[LogKey](), 0
    for until, key in earlier_keys(installation):
        if key == newest:  # It is being exchanged, and signs until that is done.
            break
        found.append(LogKey(key=key, above=above, until=until))
        above = until
    return Keyring((*found, LogKey(key=newest, above=above)))


def earlier_keys(installation: Installation) -> list[tuple[int, VerifierKey]]:
    """Return the public keys before the newest, oldest first, with the last size each signed. Raises InstallationProblem."""
    file = earlier_keys_file(installation)
    if not file.exists():
        return []
    with explained("read", file):
        lines = file.read_text().splitlines()
    try:
        split = [line.split(" ", 1) for line in lines]
        return [(int(size), VerifierKey.parse(vkey)) for size, vkey in split]
    except ValueError as error:
        raise InstallationProblem(
            "log-key-damaged",
            f"{file} is not a list of sizes and verifier keys: {error}.",
            "Restore it from a backup of the keys.",
        ) from error


def keep_verifier_key(installation: Installation, key: VerifierKey) -> None:
    """Put back the log's public key, which is known from elsewhere."""
    with explained("write", verifier_file(installation)):
        write_atomically(verifier_file(installation), key.format().encode() + b"\n", mode=0o600)


def read_verifier_key(file: Path) -> VerifierKey:
    """Return the public key in a file. Raises InstallationProblem."""
    try:
        with explained("read", file):
            return VerifierKey.parse(file.read_text().strip())
    except NoteError as error:
        raise InstallationProblem(
            "log-key-damaged",
            f"{file} is not a verifier key: {error}.",
            "Give the file with the log's public key (`log.vkey` in its keys directory).",
        ) from error


def _lost(installation: Installation) -> InstallationProblem:
    return InstallationProblem(
        "log-key-lost",
        f"There is no signing key in {key_file(installation)}.",
        "Restore it from a backup of the keys directory. If nothing was ever signed, `karnet init` makes one. "
        "If there is no backup, a server of a common card gets another key: `karnet federation key replace`.",
    )
