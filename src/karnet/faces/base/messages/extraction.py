"""What is marked for translation: `_("…")` and its kin in Python, `{% translate %}` and `{% blocktranslate %}`."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.template import engines
from django.templatetags.i18n import BlockTranslateNode, TranslateNode
from django.utils.translation import trim_whitespace

from karnet.faces.base.messages.catalogue import Key, Message

_SINGULAR = {"_", "gettext", "gettext_lazy", "gettext_noop"}
_PLURAL = {"ngettext", "ngettext_lazy"}
_CONTEXT = {"pgettext", "pgettext_lazy"}
_IN_TAG = re.compile(r"""_\(\s*("[^"]*"|'[^']*')\s*\)""")
_TAG = re.compile(r"{%.*?%}|{{.*?}}", re.S)


def extracted(folder: Path) -> list[Message]:
    """Return the messages of every Python file and template below a folder, tests left out.

    Raises ValueError for a message that is not written out: it could never be found again.
    """
    found: dict[Key, Message] = {}
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        if {"tests", "migrations", "locale", "static"} & set(inside.parts):
            continue
        messages: Iterator[Message] = iter(())
        if path.suffix == ".py":
            messages = _in_python(path)
        elif "templates" in inside.parts and path.is_file():
            messages = _in_template(path)
        for message in messages:
            known = found.get(message.key)
            places = {inside.as_posix()} | (known.places if known else set())
            plural = message.plural or (known.plural if known else "")
            found[message.key] = replace(message, plural=plural, places=frozenset(places))
    return list(found.values())


def _in_python(path: Path) -> Iterator[Message]:
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        if name in _SINGULAR:
            yield Message(_literal(path, node, 0))
        elif name in _PLURAL:
            yield Message(_literal(path, node, 0), plural=_literal(path, node, 1))
        elif name in _CONTEXT:
            yield Message(_literal(path, node, 1), context=_literal(path, node, 0))


def _literal(path: Path, call: ast.Call, number: int) -> str:
    argument = call.args[number] if len(call.args) > number else None
    if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
        return argument.value
    raise ValueError(f"{path}:{call.lineno}: write the message out, it is looked for in the text of the program")


def _in_template(path: Path) -> Iterator[Message]:
    source = path.read_text()
    template: Any = engines["django"].engine.from_string(source)  # type: ignore[attr-defined]
    for node in template.nodelist.get_nodes_by_type(TranslateNode):
        text = getattr(node.filter_expression.var, "literal", None)
        if text is None:
            raise ValueError(f"{path}: {{% translate %}} of something that is not written out")
        yield Message(str(text).replace("%", "%%"), context=_context(node))
    for node in template.nodelist.get_nodes_by_type(BlockTranslateNode):
        singular = _block(node, node.singular)
        yield Message(singular, plural=_block(node, node.plural) if node.plural else "", context=_context(node))
    for tag in _TAG.findall(source):
        for text in _IN_TAG.findall(tag):
            yield Message(text[1:-1])


def _block(node: Any, tokens: Any) -> str:
    text, _ = node.render_token_list(tokens)
    return trim_whitespace(text) if node.trimmed else str(text)


def _context(node: Any) -> str:
    return str(node.message_context.resolve({})) if node.message_context else ""
