"""Keys of simulated servers. Signatures are real; what one of these keys made, or one server verified, is not verified
again by the next: most of a history's time would go there."""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from karnet.journal.tlog.note import Signature, SignatureType, SigningKey, VerifierKey

_MOST = 16_384
_judged: dict[tuple[bytes, str, bytes], bool] = {}


def made_key(what: str, name: str, kind: SignatureType) -> SimulatedKey:
    """Return a key of a server. It follows from its name, so that one seed replays one history."""
    return SimulatedKey(name, kind, sha256(f"{what} {name}".encode()).digest())


class SimulatedKey(SigningKey):
    """A private key that remembers what it signed, and that this needs no verifying."""

    def sign(self, text: str) -> Signature:
        return self._told(text, SigningKey.sign(self, text))

    def cosign(self, text: str, *, timestamp: int) -> Signature:
        return self._told(text, SigningKey.cosign(self, text, timestamp=timestamp))

    def _told(self, text: str, signature: Signature) -> Signature:
        if len(_judged) > _MOST:
            _judged.clear()
        _judged[self.verifier.public_key, text, signature.payload] = True
        return signature

    def _raw(self, message: bytes) -> bytes:
        return _private(self.seed).sign(message)


class RememberingKey(VerifierKey):
    """A verifier key that remembers what it verified: a note that one server believed is not new to the next."""

    def verifies(self, text: str, signature: Signature) -> bool:
        about = (self.public_key, text, signature.payload)
        if about not in _judged:
            _judged[about] = VerifierKey.verifies(self, text, signature)
        return _judged[about] and signature.name == self.name and signature.key_id == self.id


def remembering(key: SigningKey) -> RememberingKey:
    """Return the public half of a key."""
    return RememberingKey(key.verifier.name, key.verifier.type, key.verifier.public_key)


@lru_cache(maxsize=256)
def remembering_text(vkey: str) -> RememberingKey:
    """Return the public key in its text."""
    key = VerifierKey.parse(vkey)
    return RememberingKey(key.name, key.type, key.public_key)


@lru_cache(maxsize=64)
def _private(seed: bytes) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(seed)
