"""Signed notes (C2SP signed-note): a text, and lines that sign it.

Two signature types are implemented: Ed25519 over the text (0x01) and the timestamped Ed25519 cosignature of a
checkpoint (0x04, tlog-cosignature "cosignature/v1"). Lines by other keys, of any type, are carried and ignored.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode, b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

MAX_NOTE_BYTES = 1_000_000
MAX_SIGNATURES = 100
MAX_TIMESTAMP = (1 << 63) - 1

_KEY_ID_BYTES = 4
_ED25519_KEY_BYTES = 32
_ED25519_SIGNATURE_BYTES = 64
_TIMESTAMP_BYTES = 8
_DASH = "\u2014 "
_IMPOSSIBLE = re.compile("[\x00-\x09\x0b-\x1f\ud800-\udfff]")
_IMPOSSIBLE_IN_NAME = re.compile("[\x00-\x1f\ud800-\udfff+]")


class SignatureType(IntEnum):
    """Signature type identifier bytes of signed-note that this module can make and check."""

    ED25519 = 0x01
    COSIGNATURE_V1 = 0x04


class NoteFault(StrEnum):
    """Why a note or a key was not accepted."""

    MALFORMED_NOTE = "malformed_note"
    MALFORMED_KEY = "malformed_key"
    AMBIGUOUS_KEY = "ambiguous_key"
    BAD_SIGNATURE = "bad_signature"
    NO_KNOWN_SIGNATURE = "no_known_signature"


class NoteError(ValueError):
    """A note or key that cannot be accepted: `fault` for programs, the message for people."""

    def __init__(self, fault: NoteFault, message: str) -> None:
        super().__init__(message)
        self.fault = fault


def decode_base64(text: str) -> bytes:
    """Bytes of standard base64 in its one canonical spelling. Raises ValueError for any other."""
    try:
        decoded = b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError("not base64") from error
    if b64encode(decoded).decode() != text:
        # One signature must have one spelling, or a note could be altered without its meaning changing.
        raise ValueError("not canonical base64")
    return decoded


def check_key_name(name: str) -> None:
    """Raises NoteError unless the name is non-empty, encodable, and free of spaces, controls and plus signs."""
    if not name or _IMPOSSIBLE_IN_NAME.search(name) or any(letter.isspace() for letter in name):
        raise NoteError(NoteFault.MALFORMED_KEY, f"not a key name: {name[:80]!r}")


def key_id(name: str, signature_type: int, public_key: bytes) -> bytes:
    """The 4-byte key id that signed-note recommends and tlog-cosignature demands."""
    return sha256(name.encode() + b"\n" + bytes([signature_type]) + public_key).digest()[:_KEY_ID_BYTES]


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line, not yet believed. `payload` is what follows the key id."""

    name: str
    key_id: bytes
    payload: bytes

    @property
    def line(self) -> str:
        """The line as it stands in a note, with its newline."""
        return f"{_DASH}{self.name} {b64encode(self.key_id + self.payload).decode()}\n"


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key under a name. Raises NoteError for a bad name or a key that is not 32 bytes."""

    name: str
    type: SignatureType
    public_key: bytes
    id: bytes = field(init=False)

    def __post_init__(self) -> None:
        check_key_name(self.name)
        if len(self.public_key) != _ED25519_KEY_BYTES:
            raise NoteError(NoteFault.MALFORMED_KEY, f"an Ed25519 public key is {_ED25519_KEY_BYTES} bytes")
        object.__setattr__(self, "id", key_id(self.name, self.type, self.public_key))

    @classmethod
    def parse(cls, text: str) -> VerifierKey:
        """From `<name>+<hex key id>+<base64(type || key)>`. Raises NoteError (MALFORMED_KEY)."""
        name, type_byte, material, _ = _parse_key_text(text)
        key = cls(name, type_byte, material)
        if text != key.format():
            raise NoteError(NoteFault.MALFORMED_KEY, "the key id is not that of the name and key")
        return key

    def format(self) -> str:
        """The verifier key string ("vkey") of signed-note."""
        return f"{self.name}+{self.id.hex()}+{b64encode(bytes([self.type]) + self.public_key).decode()}"

    def timestamp_of(self, signature: Signature) -> int | None:
        """POSIX seconds that a cosignature states; None for a plain signature or one too short to tell."""
        if self.type is not SignatureType.COSIGNATURE_V1 or len(signature.payload) < _TIMESTAMP_BYTES:
            return None
        return int.from_bytes(signature.payload[:_TIMESTAMP_BYTES], "big")

    def verifies(self, text: str, signature: Signature) -> bool:
        """Whether this key made this signature over this text (for a cosignature: at the time it states)."""
        if signature.name != self.name or signature.key_id != self.id:
            return False
        message, raw = text.encode(), signature.payload
        if self.type is SignatureType.COSIGNATURE_V1:
            timestamp = self.timestamp_of(signature)
            if timestamp is None or timestamp > MAX_TIMESTAMP:
                return False
            message, raw = _cosigned(text, timestamp), signature.payload[_TIMESTAMP_BYTES:]
        if len(raw) != _ED25519_SIGNATURE_BYTES:
            return False
        try:
            Ed25519PublicKey.from_public_bytes(self.public_key).verify(raw, message)
        except (InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key under a name. `seed` is the 32-byte Ed25519 seed and is kept out of `repr`."""

    name: str
    type: SignatureType
    seed: bytes = field(repr=False)
    verifier: VerifierKey = field(init=False)

    def __post_init__(self) -> None:
        if len(self.seed) != _ED25519_KEY_BYTES:
            raise NoteError(NoteFault.MALFORMED_KEY, f"an Ed25519 seed is {_ED25519_KEY_BYTES} bytes")
        public = Ed25519PrivateKey.from_private_bytes(self.seed).public_key().public_bytes_raw()
        object.__setattr__(self, "verifier", VerifierKey(self.name, self.type, public))

    @classmethod
    def parse(cls, text: str) -> SigningKey:
        """From the form Go's note package writes, `PRIVATE+KEY+<name>+<hex key id>+<base64(type || seed)>`.

        Raises NoteError (MALFORMED_KEY) without repeating the text.
        """
        prefix = "PRIVATE+KEY+"
        if not text.startswith(prefix):
            raise NoteError(NoteFault.MALFORMED_KEY, "not a private key")
        name, type_byte, seed, stated_id = _parse_key_text(text.removeprefix(prefix))
        key = cls(name, type_byte, seed)
        if key.verifier.id.hex() != stated_id:
            raise NoteError(NoteFault.MALFORMED_KEY, "the key id is not that of the name and key")
        return key

    def format(self) -> str:
        """The private key as text, for a key file. Secret."""
        material = b64encode(bytes([self.type]) + self.seed).decode()
        return f"PRIVATE+KEY+{self.name}+{self.verifier.id.hex()}+{material}"

    def sign(self, text: str) -> Signature:
        """A plain signature (0x01) over the note text. Raises NoteError for a text that no note can hold."""
        assert self.type is SignatureType.ED25519, "a cosigner's key signs through cosign()"
        check_text(text)
        return Signature(self.name, self.verifier.id, self._raw(text.encode()))

    def cosign(self, text: str, *, timestamp: int) -> Signature:
        """A cosignature/v1 (0x04) over a checkpoint's text, stating POSIX seconds `timestamp`.

        The caller has verified that the checkpoint extends all this cosigner has signed before.
        Raises NoteError for a text that no note can hold, ValueError for a time outside 0 to 2**63 - 1.
        """
        assert self.type is SignatureType.COSIGNATURE_V1, "a log's key signs through sign()"
        check_text(text)
        if not 0 <= timestamp <= MAX_TIMESTAMP:
            raise ValueError(f"no cosignature can state the time {timestamp}")
        raw = self._raw(_cosigned(text, timestamp))
        return Signature(self.name, self.verifier.id, timestamp.to_bytes(_TIMESTAMP_BYTES, "big") + raw)

    def _raw(self, message: bytes) -> bytes:
        return Ed25519PrivateKey.from_private_bytes(self.seed).sign(message)


def _parse_key_text(text: str) -> tuple[str, SignatureType, bytes, str]:
    """Name, type, key material and stated key id in hex; base64 itself may contain plus signs."""
    parts = text.split("+", 2)
    if len(parts) != 3:
        raise NoteError(NoteFault.MALFORMED_KEY, "a key is <name>+<key id>+<base64>")
    try:
        material = decode_base64(parts[2])
    except ValueError as error:
        raise NoteError(NoteFault.MALFORMED_KEY, f"key material is {error}") from error
    try:
        signature_type = SignatureType(material[0])
    except (ValueError, IndexError) as error:
        raise NoteError(NoteFault.MALFORMED_KEY, "key type is neither 0x01 nor 0x04") from error
    return parts[0], signature_type, material[1:], parts[1]


def _cosigned(text: str, timestamp: int) -> bytes:
    return f"cosignature/v1\ntime {timestamp}\n{text}".encode()


def _refuse(message: str) -> NoteError:
    return NoteError(NoteFault.MALFORMED_NOTE, message)


def check_text(text: str) -> None:
    """Raises NoteError unless the text can be a note's: ends in newline, no other control characters, encodable."""
    if not text.endswith("\n"):
        raise _refuse("the text does not end in a newline")
    if _IMPOSSIBLE.search(text):
        raise _refuse("the text has control characters or cannot be UTF-8")


@dataclass(frozen=True, slots=True)
class Note:
    """A text with its signature lines, none of them checked yet."""

    text: str
    signatures: tuple[Signature, ...]

    @classmethod
    def parse(cls, note: bytes) -> Note:
        """Raises NoteError (MALFORMED_NOTE) for anything but the exact format, or a note beyond the limits.

        Limits: 1,000,000 bytes, 100 signature lines. At least one line is required.
        """
        if len(note) > MAX_NOTE_BYTES:
            raise _refuse(f"the note is longer than {MAX_NOTE_BYTES} bytes")
        try:
            whole = note.decode()
        except UnicodeDecodeError as error:
            raise _refuse("the note is not UTF-8") from error
        check_text(whole)
        text, separator, lines = whole.rpartition("\n\n")
        if not separator or not lines:
            raise _refuse("the note has no signatures after an empty line")
        split = lines.removesuffix("\n").split("\n")
        if len(split) > MAX_SIGNATURES:
            raise _refuse(f"the note has more than {MAX_SIGNATURES} signatures")
        return cls(text + "\n", tuple(_parse_line(line) for line in split))

    def format(self) -> bytes:
        """The note as bytes. Raises NoteError for a text or a set of lines that no note can hold."""
        check_text(self.text)
        if not 1 <= len(self.signatures) <= MAX_SIGNATURES:
            raise _refuse(f"a note has 1 to {MAX_SIGNATURES} signatures, not {len(self.signatures)}")
        note = f"{self.text}\n{''.join(signature.line for signature in self.signatures)}".encode()
        if len(note) > MAX_NOTE_BYTES:
            raise _refuse(f"the note is longer than {MAX_NOTE_BYTES} bytes")
        return note


def _parse_line(line: str) -> Signature:
    name, space, encoded = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not space:
        raise _refuse(f"not a signature line: {line[:80]!r}")
    try:
        check_key_name(name)
        raw = decode_base64(encoded)
    except ValueError as error:
        raise _refuse(f"not a signature line ({error}): {line[:80]!r}") from error
    if len(raw) <= _KEY_ID_BYTES:
        raise _refuse(f"the signature by {name!r} is empty")
    return Signature(name, raw[:_KEY_ID_BYTES], raw[_KEY_ID_BYTES:])


def sign_note(text: str, signers: Iterable[SigningKey]) -> bytes:
    """A note of `text` signed by plain Ed25519 keys, in their order. Raises NoteError for an impossible text."""
    return Note(text, tuple(signer.sign(text) for signer in signers)).format()


@dataclass(frozen=True, slots=True)
class VerifiedSignature:
    """A signature that a known key did make. `timestamp` is in POSIX seconds, None for a plain signature."""

    key: VerifierKey
    signature: Signature
    timestamp: int | None


@dataclass(frozen=True, slots=True)
class OpenedNote:
    """A note with at least one verified signature; each key counts once. `unknown` is what nobody here can check."""

    text: str
    verified: tuple[VerifiedSignature, ...]
    unknown: tuple[Signature, ...]


def open_note(note: Note, keys: Sequence[VerifierKey]) -> OpenedNote:
    """Check every signature by a known key; ignore the others.

    A signature belongs to a key when name *and* key id match. Raises NoteError: BAD_SIGNATURE if one by a known
    key fails, NO_KNOWN_SIGNATURE if none is left, AMBIGUOUS_KEY if two different known keys share name and id.
    """
    known: dict[tuple[str, bytes], VerifierKey] = {}
    for key in keys:
        if known.setdefault((key.name, key.id), key) != key:
            raise NoteError(NoteFault.AMBIGUOUS_KEY, f"two keys are {key.name}+{key.id.hex()}")
    verified: dict[VerifierKey, VerifiedSignature] = {}
    unknown = []
    for signature in note.signatures:
        signer = known.get((signature.name, signature.key_id))
        if signer is None:
            unknown.append(signature)
        elif signer.verifies(note.text, signature):
            # A second signature by one key is checked like any other, but a key must not count twice.
            verified.setdefault(signer, VerifiedSignature(signer, signature, signer.timestamp_of(signature)))
        else:
            raise NoteError(NoteFault.BAD_SIGNATURE, f"the signature by {signer.name}+{signer.id.hex()} is wrong")
    if not verified:
        raise NoteError(NoteFault.NO_KNOWN_SIGNATURE, "no known key signed this note")
    return OpenedNote(note.text, tuple(verified.values()), tuple(unknown))
