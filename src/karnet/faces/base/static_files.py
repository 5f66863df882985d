"""Static files with their content's hash in the address, so that browsers may keep them and never show old ones."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import StaticFilesStorage


class HashedAddresses(StaticFilesStorage):
    """Serves files from where they lie in the packages; an address changes with its content. No build step."""

    def url(self, name: str | None) -> str:
        """Return the address of a file; one that is not there is our bug and raises LookupError."""
        assert name is not None
        return f"{super().url(name)}?v={_hash(name)}"


@cache
def _hash(name: str) -> str:
    found = finders.find(name)
    if found is None:
        raise LookupError(f"no static file {name}")
    return hashlib.sha256(Path(str(found)).read_bytes()).hexdigest()[:12]
