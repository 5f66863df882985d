"""`python -m karnet.faces.base.messages [face…]`"""

from __future__ import annotations

import os
import sys

import django

from karnet.faces.base.messages import FACES, missing, update


def main(names: list[str]) -> int:
    """Update the faces named, or all; list what is still to translate. Returns the exit code."""
    # A name, no import: faces know nothing of the settings.
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "karnet.wiring.settings")
    os.environ.setdefault("KARNET_SECRET_KEY", "extracting messages needs none")
    django.setup()
    chosen = [face for face in FACES if face.path.is_dir() and (not names or face.name in names)]
    for face in chosen:
        update(face)
    left = [line for face in chosen for line in missing(face)]
    sys.stdout.write("".join(f"{line}\n" for line in left) or "Everything is translated.\n")
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
