"""The log over HTTP, as C2SP tlog-tiles lays it out: `/checkpoint`, `/tile/<level>/…` and `/tile/entries/…`.

Checkpoints and hashes are for everybody; entries are business data, and for those who may read the books.
"""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse

from karnet.journal.log_tables import LogTables, snapshot
from karnet.journal.tlog.tiles import TILE_WIDTH, TileName, cut_tile, encode_bundle, parse_path


def checkpoint(request: HttpRequest) -> HttpResponse:
    """Return the newest signed checkpoint; 404 while nothing was signed."""
    with snapshot() as cursor:
        note = LogTables(cursor).checkpoint()
    if note is None:
        raise Http404("nothing is sealed yet")
    response = HttpResponse(note, content_type="text/plain; charset=utf-8")
    response["Cache-Control"] = "no-cache"
    return response


def tile(request: HttpRequest, path: str) -> HttpResponse:
    """Return a tile of hashes: only what is sealed, and only under its canonical path."""
    return _found(f"tile/{path}", "public, max-age=31536000, immutable")


def entries(request: HttpRequest, path: str) -> HttpResponse:
    """Return a bundle of entries, like `tile`."""
    return _found(f"tile/entries/{path}", "private, max-age=31536000, immutable")


def _found(path: str, caching: str) -> HttpResponse:
    try:
        content = _content(parse_path(path))
    except ValueError as error:
        raise Http404(str(error)) from error
    response = HttpResponse(content, content_type="application/octet-stream")
    response["Cache-Control"] = caching
    return response


def _content(name: TileName) -> bytes:
    """Return what a tile or bundle holds, cut to the width asked for. Raises ValueError where the log is not so far."""
    with snapshot() as cursor:
        log = LogTables(cursor)
        if name.level is not None:
            return cut_tile(log.tile(name.level, name.index), name.level, name.index, name.width)
        start = name.index * TILE_WIDTH
        entries = log.entries(start, start + name.width)
    present = [entry for entry in entries if entry is not None]
    if len(present) < name.width:
        raise ValueError(f"{name.path} is not there: the log holds {len(present)} of its entries")
    return encode_bundle(present)
