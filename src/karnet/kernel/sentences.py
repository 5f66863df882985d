"""A sentence in the five languages of the screens (SPEC X3)."""

from __future__ import annotations

from typing import NamedTuple


class Sentence(NamedTuple):
    """One reason in every language of the screens (SPEC X3)."""

    en: str
    pl: str
    ru: str
    it: str
    de: str
