"""What codes of lockers are called on the till's screens."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

OPENED: Mapping[str, Promise] = {
    "forgotten": gettext_lazy("Something was left inside"),
    "guest_request": gettext_lazy("The guest asks for it"),
    "cleaning": gettext_lazy("Cleaning"),
    "emergency": gettext_lazy("Emergency"),
    "other": gettext_lazy("Other reason"),
}
BLOCKED: Mapping[str, Promise] = {
    "broken": gettext_lazy("Broken"),
    "dirty": gettext_lazy("Dirty"),
    "reserved": gettext_lazy("Kept free"),
    "key_lost": gettext_lazy("Its band is lost"),
    "other": gettext_lazy("Other reason"),
}
FREED: Mapping[str, Promise] = {
    "returned": gettext_lazy("the band came back"),
    "given_up": gettext_lazy("given up at the reader"),
    "staff": gettext_lazy("freed by staff"),
    "lost_band": gettext_lazy("the band was lost"),
    "stay_over": gettext_lazy("the stay was over"),
}
