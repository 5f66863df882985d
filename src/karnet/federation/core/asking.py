"""Asks: what one server alone may do, another asks it for through the hub (docs/federation.md, "Asking the home server").

The hub passes asks and answers on and keeps them for a while; they are no operations. The home server believes the
asker's signature, not the hub: a hub that invents an ask is found out.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Protocol

import msgspec

from karnet.federation.core.messages import Answer, Ask, Asked, Bearing
from karnet.journal.tlog.note import Note, NoteError, SigningKey, VerifierKey, open_note, sign_note

MAX_WAIT_MS = 10_000
"""How long an asker may wait at the hub. What the home server has not fetched by then, it gets only if asked again."""
MAX_BODY_BYTES = 16 * 1024
"""Bytes of what is asked and of its answer, at most."""
MAX_KEY = 80
"""Characters of an ask's key and of its kind, at most."""
FRESH = timedelta(minutes=15)
"""How far the asker's clock may be from the home server's: an ask that was kept back is not done later."""


class AskBook(Protocol):
    """The hub's table of asks. Every method is one transaction."""

    def put(self, asker: str, ask: Ask, now: datetime) -> bool:
        """Keep an ask until `wait_ms` are over, again if it was given up before; False if its key was used otherwise."""

    def answer_to(self, asker: str, key: str) -> bytes | None:
        """Return the answer to an ask, None while there is none."""

    def give_up(self, asker: str, key: str, now: datetime) -> bool:
        """Let nobody fetch an ask any more; return whether the home server had it already."""

    def any_for(self, home: str, now: datetime) -> bool:
        """Tell whether a server has asks to answer."""

    def take(self, home: str, now: datetime) -> Sequence[Asked]:
        """Return the asks that a server has to answer, oldest first, and note that it was told: again while they wait."""

    def answered(self, home: str, answer: Answer, now: datetime) -> bool:
        """Keep the answer of the ask's home server; the first counts. False if nobody asked it so."""


def signed(home: str, kind: str, key: str, body: bytes, at: datetime, by: SigningKey) -> Bearing:
    """Return what an ask bears: its instant and the asker's signature, by its log's key."""
    instant = at.isoformat()
    return Bearing(at=instant, proof=sign_note(_said(home, kind, key, body, instant), [by]))


def distrust(asked: Asked, home: str, keys: Sequence[str], now: datetime) -> str:
    """Return what is wrong with an ask, "" if its asker signed it, for this server, just now.

    `keys`: verifier keys of the asker's log that may sign today.
    """
    try:
        at = datetime.fromisoformat(asked.bearing.at)
        opened = open_note(Note.parse(asked.bearing.proof), [VerifierKey.parse(key) for key in keys])
    except (NoteError, ValueError) as error:
        return f"not signed by {asked.asker}: {error}"
    if opened.text != _said(home, asked.kind, asked.key, asked.body, asked.bearing.at):
        return "something else was signed"
    if at.tzinfo is None or abs(now - at) > FRESH:
        return f"asked at {asked.bearing.at}"
    return ""


def _said(home: str, kind: str, key: str, body: bytes, at: str) -> str:
    # As JSON, so that no field can run into the next.
    said = msgspec.json.encode([home, kind, key, at, sha256(body).hexdigest()]).decode()
    return f"karnet asks\n{said}\n"
