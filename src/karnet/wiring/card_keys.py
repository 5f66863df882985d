"""What a server of the common card keeps in its `keys` directory beside its log's key.

cosigner.key   0600  signs cosignatures (C2SP tlog-cosignature): a key of its own, since one key has one purpose
tls.key        0600  the hub's nodes answer with it
tls.crt              its certificate: members pin the fingerprint
hub.json       0600  at a member: the hub's addresses, what to pin, and the token that opens it
"""

from __future__ import annotations

import secrets
import stat
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from karnet.federation.membership.certificates import certificate_fingerprint, make_certificate
from karnet.journal.tlog.note import NoteError, SignatureType, SigningKey
from karnet.wiring.files import FileLock, write_atomically
from karnet.wiring.installation import Installation
from karnet.wiring.problem import InstallationProblem, explained


class HubLink(msgspec.Struct, frozen=True, kw_only=True):
    """How a member reaches its hub: log name, node addresses, certificate fingerprint ("": the system's trust), token."""

    hub: str
    addresses: tuple[str, ...]
    certificate: str
    token: str


def cosigner_key(installation: Installation) -> SigningKey:
    """Return the key that cosigns, making it the first time. Raises InstallationProblem if it cannot be used."""
    file = installation.keys_dir / "cosigner.key"
    with FileLock(installation.run_dir / "keys.lock").held():
        if not file.exists():
            key = SigningKey(installation.name, SignatureType.COSIGNATURE_V1, secrets.token_bytes(32))
            with explained("write", file):
                write_atomically(file, key.format().encode() + b"\n", mode=0o600)
    try:
        key = SigningKey.parse(_secret(file).strip())
    except NoteError as error:
        raise InstallationProblem(
            "cosigner-key-damaged", f"{file} is not a signing key: {error}.", "Restore it from a backup of the keys."
        ) from error
    if key.name != installation.name or key.type is not SignatureType.COSIGNATURE_V1:
        raise InstallationProblem(
            "cosigner-key-of-another", f"{file} is not this server's.", "Restore it from a backup of the keys."
        )
    return key


def certificate_file(installation: Installation) -> Path:
    """Where the certificate of the hub's nodes is."""
    return installation.keys_dir / "tls.crt"


def certificate_key_file(installation: Installation) -> Path:
    """Where that certificate's private key is."""
    return installation.keys_dir / "tls.key"


def ensure_certificate(installation: Installation, hosts: Sequence[str], at: datetime) -> str:
    """Return the fingerprint of the nodes' certificate, making a self-signed one unless there is one.

    Put another one (and its key) into the same files to use it; members pin what their invitation said.
    """
    file, key_file = certificate_file(installation), certificate_key_file(installation)
    with FileLock(installation.run_dir / "keys.lock").held():
        if not file.exists() or not key_file.exists():
            made = make_certificate(installation.name, hosts, at)
            with explained("write", file):
                write_atomically(key_file, made.key_pem, mode=0o600)
                write_atomically(file, made.pem)
    try:
        with explained("read", file):
            return certificate_fingerprint(file.read_bytes())
    except ValueError as error:
        raise InstallationProblem(
            "certificate-damaged", f"{file} is no certificate: {error}.", "Restore it, or put another one there."
        ) from error


def hub_link_file(installation: Installation) -> Path:
    """Where a member keeps how it reaches its hub."""
    return installation.keys_dir / "hub.json"


def save_hub_link(installation: Installation, link: HubLink) -> None:
    """Keep how the hub is reached."""
    file = hub_link_file(installation)
    with explained("write", file):
        write_atomically(file, msgspec.json.format(msgspec.json.encode(link)) + b"\n", mode=0o600)


def hub_link(installation: Installation) -> HubLink:
    """Return how the hub is reached. Raises InstallationProblem for a server that has joined none."""
    file = hub_link_file(installation)
    if not file.exists():
        raise InstallationProblem(
            "no-hub",
            f"{installation.path} has joined no common card.",
            "Ask the hub for an invitation, then run `karnet federation join`.",
        )
    try:
        return msgspec.json.decode(_secret(file), type=HubLink)
    except msgspec.DecodeError as error:
        raise InstallationProblem(
            "hub-link-damaged",
            f"{file} cannot be used: {error}.",
            "Restore it from a backup of the keys, or join anew.",
        ) from error


def _secret(file: Path) -> str:
    with explained("read", file):
        mode = stat.S_IMODE(file.stat().st_mode)
        text = file.read_text()
    if mode & 0o077:
        raise InstallationProblem(
            "secret-open",
            f"{file} can be read by other users of this machine (mode {mode:o}).",
            f"Close it with `chmod 600 {file}`, and consider what others may have copied.",
        )
    return text
