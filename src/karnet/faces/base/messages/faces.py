"""Which face speaks which languages, and where its files are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from karnet.faces.base.messages.catalogue import Message, compiled, forms, parsed, updated, written
from karnet.faces.base.messages.extraction import extracted

LANGUAGES = ("pl", "ru", "it", "de")
"""What is translated into; messages are written in English."""

_ROOT = Path(__file__).parents[2]
_PLACE = re.compile(r"%\((\w+)\)[sd]|\{(\w*)\}")


@dataclass(frozen=True)
class Face:
    """A face and the languages in which nothing of it may be missing (SPEC X3)."""

    name: str
    complete: tuple[str, ...] = LANGUAGES

    @property
    def path(self) -> Path:
        return _ROOT / self.name

    def file(self, language: str, suffix: str = ".po") -> Path:
        """Where the messages of a language are."""
        return self.path / "locale" / language / "LC_MESSAGES" / f"django{suffix}"

    def present(self, language: str) -> dict[tuple[str, str], Message]:
        """Return the messages in the file of a language, nothing where there is none."""
        file = self.file(language)
        return parsed(file.read_text()) if file.exists() else {}


FACES = (
    Face("base"), Face("till"), Face("displays"), Face("portal"), Face("backoffice", ("pl",)), Face("api", ("pl",)),
)  # fmt: skip


def update(face: Face) -> None:
    """Bring the .po files of a face up to date with its code and templates, keeping translations; compile them."""
    messages = extracted(face.path)
    for language in LANGUAGES:
        merged = updated(messages, face.present(language))
        if not merged:
            continue
        face.file(language).parent.mkdir(parents=True, exist_ok=True)
        face.file(language).write_text(written(merged, language))
        face.file(language, ".mo").write_bytes(compiled(merged, language))


def missing(face: Face) -> Iterator[str]:
    """Yield what keeps a face from being complete: messages without translation, translations that lost a place."""
    messages = extracted(face.path)
    for language in LANGUAGES:
        present = face.present(language)
        for message in messages:
            known = present.get(message.key)
            where = f"{face.name}/{language}: {message.text!r}"
            if known is None or not known.translated:
                if language in face.complete:
                    yield f"{where} has no translation"
                continue
            if message.plural and len(known.strings) != forms(language):
                yield f"{where} needs {forms(language)} plural forms"
            for string in known.strings:
                if not _places(string) <= _places(message.text) | _places(message.plural):
                    yield f"{where} has a place that the message has not: {string!r}"
                elif not message.plural and _places(string) != _places(message.text):
                    yield f"{where} lost a place: {string!r}"


def _places(text: str) -> set[str]:
    return {one or other for one, other in _PLACE.findall(text)}
