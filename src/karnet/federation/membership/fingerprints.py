"""Fingerprints of keys and certificates, as hexadecimal groups and as words that can be read out by telephone.

The words are *proquints* (D. S. Wilkerson, "A Proposal for Proquints", arXiv:0901.4016): five letters, consonant and
vowel in turn, for 16 bits. They belong to no language, and Poles, Russians, Italians and Germans read them out alike:
both ends show the same ones, which a list of words in one language would not give them.
"""

from __future__ import annotations

from hashlib import sha256

_CONSONANTS = "bdfghjklmnprstvz"
_VOWELS = "aiou"
_WORDS = 8
"""128 bits: nobody finds another key with the same words."""


def fingerprint(material: bytes) -> str:
    """Return the SHA-256 of a key's text or a certificate's DER as hex."""
    return sha256(material).hexdigest()


def key_words(vkey: str) -> str:
    """Return eight words for a log's public key, as text (`<name>+<id>+<base64>`); the name is part of it."""
    return words(sha256(vkey.encode()).digest())


def words(digest: bytes) -> str:
    """Return the first 128 bits of a digest as eight five-letter words with hyphens between them.

    >>> words(bytes.fromhex("7f000001") + bytes(12))[:11]
    'lusab-babad'
    """
    pairs = [int.from_bytes(digest[at : at + 2], "big") for at in range(0, 2 * _WORDS, 2)]
    if len(digest) < 2 * _WORDS:
        raise ValueError(f"{_WORDS} words need {2 * _WORDS} bytes, not {len(digest)}")
    return "-".join(map(_word, pairs))


def same_words(heard: str, meant: str) -> bool:
    """Tell whether what somebody typed are these words, whatever stands between them and however it is written."""
    return "".join(filter(str.isalpha, heard.lower())) == meant.replace("-", "")


def grouped(fingerprint_hex: str) -> str:
    """Return a hexadecimal fingerprint in groups of four, as people compare it."""
    return " ".join(fingerprint_hex[at : at + 4] for at in range(0, len(fingerprint_hex), 4))


def _word(bits: int) -> str:
    return (
        _CONSONANTS[bits >> 12 & 15]
        + _VOWELS[bits >> 10 & 3]
        + _CONSONANTS[bits >> 6 & 15]
        + _VOWELS[bits >> 4 & 3]
        + _CONSONANTS[bits & 15]
    )
