"""Replacing a card that another server gave out while that server does not answer. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import msgspec

from karnet.accounts.rules import CardTerms, terms_at
from karnet.entitlements.operations import Replaced, ReplacedAlone
from karnet.entitlements.requests import ReplaceAlone
from karnet.entitlements.rules import Desk, Held, decide_replace
from karnet.kernel.outcomes import Refused, refused
from karnet.kernel.reasons import Reason
from karnet.parties.operations import facility_id


def decide_alone(
    desk: Desk, held: Held, request: ReplaceAlone, facility: UUID, terms: Sequence[CardTerms], today: int
) -> Replaced | Refused:
    """Decide as `decide_replace` about a medium of another server that does not answer. `terms`: as
    accounts.selectors.card_terms; `today`: how many were replaced so at this facility on the local day.

    Refuses HOME_SILENT where no agreement in force allows any between the two facilities, ALONE_LIMIT beyond its number
    a day. Folds what holds into desk and held.
    """
    old = desk.media.get(request.old)
    if old is None or old.away is None:
        return decide_replace(desk, held, request, facility)  # its own, or none that is known: as at any till
    home = facility_id(old.away)
    in_force = terms_at(terms, request.at)
    if in_force is None or not in_force.replacements or not {facility, home} <= in_force.facilities:
        return refused(Reason.HOME_SILENT, facility=old.away)
    if today >= in_force.replacements:
        return refused(Reason.ALONE_LIMIT, facility=old.away, limit=in_force.replacements)
    decided = decide_replace(desk, held, request, facility)
    if isinstance(decided, Refused):
        return decided
    return msgspec.structs.replace(decided, alone=ReplacedAlone(medium=old.id, facility=facility, home=home))
