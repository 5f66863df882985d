"""Before a member signs after a start, it asks its hub how much of its log it has signed already.

A restored backup of the whole machine takes the checkpoint file back, too, and then only others know better. A hub that
does not answer stops nobody: a server is sovereign, and its own file still guards it.
"""

from __future__ import annotations

from karnet.federation.core.messages import Known, News
from karnet.federation.http.client import HubClient, Unanswered
from karnet.wiring.card_keys import hub_link
from karnet.wiring.installation import Installation
from karnet.wiring.problem import InstallationProblem

_MAY_TAKE_MS = 3_000


def hub_holds(installation: Installation) -> int | None:
    """Return how many entries of this member's log its hub holds; None for no member, or if nobody answers in time."""
    if installation.config.federation.role != "member":
        return None
    link = hub_link(installation)
    client = HubClient(link.certificate, link.token)
    for address in link.addresses:
        try:
            reply = client.call(address, News(have={}), _MAY_TAKE_MS)
        except Unanswered:
            continue
        if isinstance(reply, Known):
            return reply.sizes.get(installation.name, 0)
    return None


def check_with_hub(installation: Installation, size: int) -> None:
    """Raise InstallationProblem if the hub holds more of this log than the `size` entries here: it would sign twice."""
    theirs = hub_holds(installation)
    if theirs is not None and theirs > size:
        raise InstallationProblem(
            "log-behind",
            f"The hub holds {theirs} entries of this server's log, the database {size}: a backup was restored. "
            f"Signing now would make a second history.",
            "Stop `karnet serve` and run `karnet federation recover`: it fetches from the hub what is missing.",
        )
