"""Catalogues of messages: the .po text that people edit and the .mo bytes that gettext reads (GNU gettext, 10.3 MO)."""

from __future__ import annotations

import ast
import re
import struct
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

Key = tuple[str, str]
"""Context ("" for none) and singular: what tells one message from another."""

PLURALS = {
    "pl": "nplurals=3; plural=(n==1 ? 0 : n%10>=2 && n%10<=4 && (n%100<12 || n%100>14) ? 1 : 2);",
    "ru": "nplurals=3; plural=(n%10==1 && n%100!=11 ? 0 : n%10>=2 && n%10<=4 && (n%100<12 || n%100>14) ? 1 : 2);",
    "it": "nplurals=2; plural=(n != 1);",
    "de": "nplurals=2; plural=(n != 1);",
}
"""Plural rules: Unicode CLDR's for whole numbers."""

_MAGIC = 0x950412DE
_LINE = re.compile(r'(msgctxt|msgid_plural|msgid|msgstr)(?:\[(\d)\])?\s+(".*")')


@dataclass(frozen=True)
class Message:
    """One message. `strings`: the translation, or one for each plural form; empty ones are missing."""

    text: str
    plural: str = ""
    context: str = ""
    strings: tuple[str, ...] = ()
    places: frozenset[str] = field(default_factory=frozenset)

    @property
    def key(self) -> Key:
        return self.context, self.text

    @property
    def translated(self) -> bool:
        return bool(self.strings) and all(self.strings)


def forms(language: str) -> int:
    """Return how many plural forms a language has."""
    return int(PLURALS[language][9])


def parsed(text: str) -> dict[Key, Message]:
    """Read a .po file; the header is left out. Raises ValueError for a line that is none of its own."""
    found: dict[Key, Message] = {}
    for block in re.split(r"\n\s*\n", text):
        message = _message(block)
        if message is not None and message.text:
            found[message.key] = message
    return found


def _message(block: str) -> Message | None:
    parts: dict[tuple[str, int], str] = {}
    at: tuple[str, int] | None = None
    for line in block.splitlines():
        if line.startswith("#") or not line.strip():
            continue
        start = _LINE.fullmatch(line)
        if start:
            at = (start[1], int(start[2] or 0))
            parts[at] = ast.literal_eval(start[3])
        elif at is not None and line.startswith('"'):
            parts[at] += ast.literal_eval(line)
        else:
            raise ValueError(f"not a line of a .po file: {line!r}")
    if ("msgid", 0) not in parts:
        return None
    strings = tuple(parts[key] for key in sorted(parts) if key[0] == "msgstr")
    return Message(parts["msgid", 0], parts.get(("msgid_plural", 0), ""), parts.get(("msgctxt", 0), ""), strings)


def written(messages: Iterable[Message], language: str) -> str:
    """Return a .po file: messages in the order of their text, so that a change shows as one."""
    blocks = [f'msgid ""\nmsgstr ""\n{_quoted_lines(_header(language))}']
    for message in sorted(messages, key=lambda message: (message.text, message.context)):
        lines = [f"#: {place}" for place in sorted(message.places)]
        if message.context:
            lines.append(f"msgctxt {_quoted(message.context)}")
        lines.append(f"msgid {_quoted(message.text)}")
        if message.plural:
            lines.append(f"msgid_plural {_quoted(message.plural)}")
            strings = message.strings or ("",) * forms(language)
            lines += [f"msgstr[{number}] {_quoted(string)}" for number, string in enumerate(strings)]
        else:
            lines.append(f"msgstr {_quoted(message.strings[0] if message.strings else '')}")
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks) + "\n"


def updated(extracted: Iterable[Message], present: dict[Key, Message]) -> list[Message]:
    """Return what is extracted, with the translations that are present already; others are dropped."""
    return [
        replace(message, strings=present[message.key].strings)
        if message.key in present and bool(present[message.key].plural) == bool(message.plural)
        else message
        for message in extracted
    ]


def compiled(messages: Iterable[Message], language: str) -> bytes:
    """Return a .mo file with what is translated."""
    pairs = {"": _header(language)}
    for message in messages:
        if message.translated:
            text = f"{message.text}\0{message.plural}" if message.plural else message.text
            pairs[f"{message.context}\4{text}" if message.context else text] = "\0".join(message.strings)
    # Sorted by the bytes of the original: readers search by halving.
    entries = sorted((text.encode(), string.encode()) for text, string in pairs.items())
    start = 28 + 16 * len(entries)
    tables: list[list[tuple[int, int]]] = [[], []]
    strings = b""
    for column in (0, 1):
        for entry in entries:
            tables[column].append((len(entry[column]), start + len(strings)))
            strings += entry[column] + b"\0"
    head = struct.pack("<7I", _MAGIC, 0, len(entries), 28, 28 + 8 * len(entries), 0, start)
    return head + b"".join(struct.pack("<2I", *place) for table in tables for place in table) + strings


def _header(language: str) -> str:
    return (
        f"Language: {language}\nMIME-Version: 1.0\nContent-Type: text/plain; charset=UTF-8\n"
        f"Content-Transfer-Encoding: 8bit\nPlural-Forms: {PLURALS[language]}\n"
    )


def _quoted_lines(text: str) -> str:
    return "\n".join(_quoted(line) for line in text.splitlines(keepends=True))


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    return f'"{escaped}"'
