"""Translations without system tools: extract messages into .po files, compile them to .mo, tell what is missing.

    python -m karnet.faces.base.messages            update and compile every face
    python -m karnet.faces.base.messages till       one face

Files are those of GNU gettext, so that any translator's editor opens them; .mo files are committed, because an
installation from a wheel has no step that could make them. A test fails for one that is older than its .po file.
"""

from karnet.faces.base.messages.catalogue import Message, compiled, parsed, written
from karnet.faces.base.messages.extraction import extracted
from karnet.faces.base.messages.faces import FACES, LANGUAGES, Face, missing, update

__all__ = ["FACES", "LANGUAGES", "Face", "Message", "compiled", "extracted", "missing", "parsed", "update", "written"]
