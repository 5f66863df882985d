"""What goes over the wire: requests of a member to its hub, and replies. MessagePack; a tag `t` tells the kind.

Fields are added with defaults, never renamed or reused; unknown fields are ignored, so a newer peer may say more. A log
is called by its permanent name, since the numbers servers give to logs and operations are their own. Sizes count
entries: a log held up to size n is held with the indices 0 to n - 1.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TypeAlias

import msgspec

MAX_ENTRIES = 1024
"""Entries in one push, at most."""
MAX_ENTRY_BYTES = 32 * 1024
"""Bytes of an entry, at most: what a journal takes."""
MAX_CONTENT_BYTES = 4 * 1024 * 1024
"""Bytes of a content that travels beside its entry, at most."""
TARGET_BYTES = 4 * 1024 * 1024
"""A sender closes a batch before it gets larger, unless it is one entry with its content."""
MAX_MESSAGE_BYTES = 9 * 1024 * 1024
"""A receiver reads no more than this of one message."""
MAX_COSIGNED = 1024
"""Cosignatures in one message, at most."""
MAX_EVIDENCE = 64
"""Pieces of evidence in one reply, at most."""
MAX_LOGS = 4096
"""Logs named in one message, at most."""


class Garbled(ValueError):
    """The bytes are no message of this protocol."""


class Code(StrEnum):
    """Why a push was not taken. What the sender can do follows from it."""

    GAP = "gap"
    """It starts beyond what the receiver has: send from `have` on."""
    STALE = "stale"
    """It starts before what the receiver has and goes beyond it: send from `have` on."""
    UNKNOWN_LOG = "unknown_log"
    """The receiver knows no such log: its server is not a member, or not yet."""
    BAD_NOTE = "bad_note"
    """The note is no checkpoint of this log signed by a key of this log."""
    BAD_BATCH = "bad_batch"
    """The message contradicts itself (no entries, a note that ends before them, …)."""
    TOO_LARGE = "too_large"
    """An entry, a content, or the batch exceeds its limit."""
    BAD_CONTENT = "bad_content"
    """A content that no entry of the batch names, or one that must stay with its server."""
    MISSING_CONTENT = "missing_content"
    """An entry names a shared content that did not come with it."""
    ALTERED = "altered"
    """The signed tree does continue what is held, but these are not its entries: the sender altered them."""
    INCONSISTENT = "inconsistent"
    """No proof that the signed tree begins with what is held: another history, or a sender that hides the proof."""
    FORK = "fork"
    """The log's key signed another tree over entries that are held: two histories, proven."""
    REFUSED = "refused"
    """The peer may not say this (not its log, not a member)."""
    BUSY = "busy"
    """Too much at once: again after `retry_ms`."""


class Evidence(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What shows that a log was not honest, or that a sender was not. Kept for people, and handed on.

    `index`: the first entry that is not believed; what is below it stands. `held` and `offered` are signed notes, as
    they came: what the receiver goes by, and what contradicts it. `sender`: the log of the server that brought it; where
    that is `log` itself, its own server answers for it. `proven`: the log's key signed both (FORK), so no other can be to
    blame. `reported_by`: the log of the receiver who found it; empty: found here.
    """

    log: str
    code: Code
    index: int
    held: bytes = b""
    offered: bytes = b""
    detail: str = ""
    sender: str = ""
    proven: bool = False
    reported_by: str = ""


class Cosigned(msgspec.Struct, frozen=True, kw_only=True):
    """One cosignature/v1 line (C2SP tlog-cosignature) over the checkpoint of these three, as it stands in a note."""

    log: str
    size: int
    root: bytes
    line: str


class Push(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="t", tag="push"):
    """Entries `first` … of a log with what shows that they are its own.

    `note`: a checkpoint signed by the log's key over a size N >= first + len(entries). `proof`: consistency proof
    (RFC 6962) from `first` to N. `rest`: from first + len(entries) to N; empty where that is N. `contents`: the shared
    bodies that these entries name by SHA-256.
    """

    log: str
    first: int
    entries: tuple[bytes, ...]
    note: bytes
    proof: tuple[bytes, ...] = ()
    rest: tuple[bytes, ...] = ()
    contents: tuple[bytes, ...] = ()


class Pull(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="t", tag="pull"):
    """Asks for entries of the logs in `have`, from the sizes given on; delivers cosignatures made meanwhile."""

    have: dict[str, int]
    cosigned: tuple[Cosigned, ...] = ()
    limit_bytes: int = TARGET_BYTES


class News(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="t", tag="news"):
    """Asks what there is beyond `have`: answered when there is something, or after `wait_ms`."""

    have: dict[str, int]
    cosigned: tuple[Cosigned, ...] = ()
    wait_ms: int = 0
    asks: bool = False
    """Whether asks of other servers count as news, to be brought with the answer."""


class Bearing(msgspec.Struct, frozen=True, kw_only=True):
    """Who stands behind an ask: `proof` is a note signed by the asker's log key (core.asking), made `at` (ISO 8601)."""

    at: str
    proof: bytes


class Ask(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="t", tag="ask"):
    """Asks the server of the log `home` for what it alone may do; answered when that has, or after `wait_ms`.

    `body`: canonical JSON of what `kind` takes. The same key of the same asker is the same ask, and done once.
    """

    home: str
    kind: str
    key: str
    body: bytes
    bearing: Bearing
    wait_ms: int = 0


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """An ask as its home server gets it. `asker`: the log of the server that asks, as the hub says."""

    asker: str
    kind: str
    key: str
    body: bytes
    bearing: Bearing


class Answer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="t", tag="answer"):
    """What the home server answers to an ask: canonical JSON."""

    asker: str
    key: str
    body: bytes


class Answered(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="t", tag="answered"):
    """To an ask: the home server's answer; None: there is none, and unless it was `fetched`, nothing will come of it.
    To an answer: it is kept (`body` is None)."""

    key: str
    body: bytes | None = None
    fetched: bool = False


class Pushed(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="t", tag="pushed"):
    """The log is held up to `size`, on disk. `cosigned` is the receipt; none after a batch that ends within a note."""

    log: str
    size: int
    cosigned: Cosigned | None = None


class Rejected(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="t", tag="rejected"):
    """Nothing was taken. `have`: how far the receiver holds the log."""

    code: Code
    log: str = ""
    detail: str = ""
    have: int = 0
    retry_ms: int = 0


class Pulled(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="t", tag="pulled"):
    """What was asked for, as far as it fits; `more`: ask again at once. `evidence`: attacks the hub has found."""

    pushes: tuple[Push, ...] = ()
    cosigned: tuple[Cosigned, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    more: bool = False


class Known(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="t", tag="known"):
    """How far the hub holds each log, and how far it can hand it on (`offered`: less, while a batch under one note is
    incomplete). `cosigned`: the newest cosignatures over the asker's own log. `asks`: to be answered by the asker."""

    sizes: dict[str, int]
    offered: dict[str, int] = msgspec.field(default_factory=dict)
    cosigned: tuple[Cosigned, ...] = ()
    asks: tuple[Asked, ...] = ()


Request: TypeAlias = Push | Pull | News | Ask | Answer
Reply: TypeAlias = Pushed | Pulled | Known | Rejected | Answered
Message: TypeAlias = Request | Reply

_encoder = msgspec.msgpack.Encoder()
_requests = msgspec.msgpack.Decoder(Request)
_replies = msgspec.msgpack.Decoder(Reply)


def encode(message: Message) -> bytes:
    """Return the bytes of a message."""
    return _encoder.encode(message)


def decode_request(data: bytes) -> Request:
    """Return the request in these bytes. Raises Garbled for anything else, and for one beyond the limits."""
    try:
        request: Request = _requests.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Garbled(str(error)) from None
    if isinstance(request, Pull | News):
        if len(request.cosigned) > MAX_COSIGNED or len(request.have) > MAX_LOGS:
            raise Garbled("more cosignatures or logs than one message may name")
        if any(size < 0 for size in request.have.values()):
            raise Garbled("a size below zero")
    return request


def decode_reply(data: bytes) -> Reply:
    """Return the reply in these bytes. Raises Garbled for anything else."""
    try:
        reply: Reply = _replies.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Garbled(str(error)) from None
    return reply
