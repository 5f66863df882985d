"""Printers and their papers in the words of whoever reads them: how a printer is, what became of a paper, what to do."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from karnet.devices.queue import KnownJob

STATES: Mapping[str, Promise] = {
    "": gettext_lazy("ready"),
    "silent": gettext_lazy("does not answer"),
    "no_paper": gettext_lazy("out of paper"),
    "cover_open": gettext_lazy("its cover is open"),
    "attention": gettext_lazy("waits for a key on it"),
    "busy": gettext_lazy("busy"),
    "fault": gettext_lazy("its mechanism has a fault"),
}
TODO: Mapping[str, Promise] = {
    "silent": gettext_lazy("Check that it is on and its cable is in."),
    "no_paper": gettext_lazy("Put a new roll in."),
    "cover_open": gettext_lazy("Close its cover."),
    "attention": gettext_lazy("Read what it shows and press its key."),
    "busy": gettext_lazy("Wait a moment."),
    "fault": gettext_lazy("Turn it off and on; if that does not help, call its service."),
}
JOBS: Mapping[str, Promise] = {
    "queued": gettext_lazy("waits"),
    "printing": gettext_lazy("being printed"),
    "printed": gettext_lazy("printed"),
    "failed": gettext_lazy("refused by the printer"),
    "needs_look": gettext_lazy("look at the paper"),
    "dropped": gettext_lazy("not printed"),
}
KINDS: Mapping[str, Promise] = {
    "receipt": gettext_lazy("Receipt"),
    "return": gettext_lazy("Return"),
    "copy": gettext_lazy("Copy"),
    "test": gettext_lazy("Test print"),
    "report": gettext_lazy("Daily report"),
}
_WHY: Mapping[str, Promise] = {
    "rate_unknown": gettext_lazy("The printer has no letter for this VAT rate. Program the rate, then print again."),
    "currency": gettext_lazy("A fiscal printer prints amounts in PLN only."),
    "too_long": gettext_lazy("The sale has more lines than a fiscal receipt can have."),
    "too_much": gettext_lazy("The amount is larger than a fiscal receipt can have."),
    "does_not_add_up": gettext_lazy("The payments are not the sum of the sale."),
    "nothing_to_print": gettext_lazy("Nothing was charged: there is no fiscal receipt over nothing."),
    "fault": gettext_lazy("The paper could not be made. Tell whoever keeps the system."),
    "other_printer": gettext_lazy("Another printer stands there now. Was the receipt printed on the earlier one?"),
    "other_receipts": gettext_lazy("The printer printed something else meanwhile. Is this receipt on the paper?"),
    "daily_report": gettext_lazy("A daily report was made meanwhile. Is this receipt on the paper before it?"),
    "unanswered": gettext_lazy("The printer did not say that it finished. Is it on the paper?"),
}
_DECLINED: Mapping[str, Promise] = {
    "2106": gettext_lazy("It refuses a higher VAT rate for goods of this name than before. Rename the goods."),
    "2010": gettext_lazy("Its totals of the day are full. Make the daily report, then print again."),
    "383": gettext_lazy("It wants the daily report of an earlier day. Make it, then print again."),
    "382": gettext_lazy("Nothing was sold since its last daily report."),
    "2000": gettext_lazy("It does not know this VAT rate. Program the rate, then print again."),
    "2036": gettext_lazy("It is read-only: its fiscal memory is closed."),
}


def state(code: str) -> str:
    """Return how a printer is: "out of paper"."""
    return str(STATES.get(code, code))


def todo(code: str) -> str:
    """Return what to do about a printer that cannot print; "" where nothing."""
    return str(TODO.get(code, ""))


def why(job: KnownJob) -> str:
    """Return why a paper stands still and what to do, in a sentence or two; "" for one that does not."""
    code, _colon, detail = job.error.partition(":")
    if job.state not in ("failed", "needs_look"):
        return ""
    if code == "declined":
        number = detail.partition(":")[0]
        return str(_DECLINED.get(number, "")) or _("The printer refuses it with error %(code)s.") % {"code": number}
    return str(_WHY.get(code, job.error))


def named(job: KnownJob) -> str:
    """Return what a paper is called: "Receipt 0014/00053"."""
    return f"{KINDS.get(job.kind, job.kind)} {job.number or job.title}".strip()
