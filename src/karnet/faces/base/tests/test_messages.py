"""Nothing is left in English by accident (SPEC X3), and our gettext files are gettext's."""

from __future__ import annotations

import gettext
import io
from pathlib import Path

import pytest

from karnet.faces.base.messages import FACES, LANGUAGES, Face, Message, compiled, extracted, missing, parsed, written

PRESENT = [face for face in FACES if face.path.is_dir()]


@pytest.mark.parametrize("face", PRESENT, ids=lambda face: face.name)
def test_no_message_is_missing(face: Face) -> None:
    left = list(missing(face))
    assert not left, "run `python -m karnet.faces.base.messages`, then translate:\n" + "\n".join(left)


@pytest.mark.parametrize("face", PRESENT, ids=lambda face: face.name)
def test_compiled_messages_are_those_of_the_text(face: Face) -> None:
    for language in LANGUAGES:
        if face.file(language).exists():
            made = compiled(face.present(language).values(), language)
            assert face.file(language, ".mo").read_bytes() == made, "run `python -m karnet.faces.base.messages`"


def test_every_face_has_its_languages() -> None:
    known = {face.name for face in FACES}
    folders = {path.parent.name for path in Path(__file__).parents[2].glob("*/apps.py")}
    assert folders <= known, f"add {folders - known} to FACES in faces/base/messages/faces.py"


MESSAGES = [
    Message("Sold", strings=("Sprzedano",)),
    Message('With "quotes"\nand lines', strings=('Z „cudzysłowem” i "takim"\n\\ też',)),
    Message("%(n)s card", plural="%(n)s cards", strings=("%(n)s karta", "%(n)s karty", "%(n)s kart")),
    Message("May", context="month", strings=("maj",)),
    Message("Not yet"),
]


def test_what_is_written_reads_the_same() -> None:
    again = parsed(written(MESSAGES, "pl"))
    assert {key: message.strings or ("",) for key, message in again.items()} == {
        message.key: message.strings or ("",) for message in MESSAGES
    }


def test_gettext_reads_what_we_compile() -> None:
    read = gettext.GNUTranslations(io.BytesIO(compiled(MESSAGES, "pl")))
    assert [read.gettext(message.text) for message in MESSAGES[:2]] == [message.strings[0] for message in MESSAGES[:2]]
    said = [read.ngettext("%(n)s card", "%(n)s cards", n) for n in (1, 2, 5, 12, 22, 112)]
    assert said == [f"%(n)s {word}" for word in ("karta", "karty", "kart", "kart", "karty", "kart")]
    assert read.pgettext("month", "May") == "maj"
    assert read.gettext("Not yet") == "Not yet"


def test_marked_text_is_found_in_programs_and_templates(tmp_path: Path) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "views.py").write_text(
        'print(_("One"), ngettext("%(n)s card", "%(n)s cards", n), pgettext("month", "May"))'
    )
    (tmp_path / "templates" / "a.html").write_text(
        '{% load i18n %}{% if x %}{% translate "Two" %}{% else %}{% translate "100 %" %}{% endif %}'
        "{% blocktranslate count n=rows|length %}{{ n }} row{% plural %}{{ n }} rows{% endblocktranslate %}"
        '{{ _("Three")|upper }}{% include "b.html" with title=_("Four") %}'
    )
    found = {message.text: (message.plural, message.context) for message in extracted(tmp_path)}
    assert found == {
        "One": ("", ""),
        "%(n)s card": ("%(n)s cards", ""),
        "May": ("", "month"),
        "Two": ("", ""),
        "100 %%": ("", ""),
        "%(n)s row": ("%(n)s rows", ""),
        "Three": ("", ""),
        "Four": ("", ""),
    }


def test_a_message_that_is_put_together_is_refused(tmp_path: Path) -> None:
    (tmp_path / "views.py").write_text('_("One" + two)')
    with pytest.raises(ValueError, match="write the message out"):
        extracted(tmp_path)


def test_a_translation_that_lost_a_place_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from karnet.faces.base.messages import faces

    monkeypatch.setattr(faces, "_ROOT", tmp_path)
    face = Face("small", ("pl",))
    face.path.mkdir()
    (face.path / "views.py").write_text('_("Wait %(n)s minutes"); _("Go")')
    faces.update(face)
    assert list(missing(face)) == [
        "small/pl: 'Wait %(n)s minutes' has no translation",
        "small/pl: 'Go' has no translation",
    ]
    broken = written([Message("Wait %(n)s minutes", strings=("Czekaj",)), Message("Go", strings=("Idź",))], "pl")
    face.file("pl").write_text(broken)
    assert list(missing(face)) == ["small/pl: 'Wait %(n)s minutes' lost a place: 'Czekaj'"]
    faces.update(face)
    assert face.present("pl")["", "Go"].strings == ("Idź",)
