"""What a log-in may be. The words are those of `karnet.parties.rules.ROLES`; a test holds them together."""

from __future__ import annotations

from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy


class Role(StrEnum):
    """Roles of log-ins. Devices are not log-ins: they carry tokens (`karnet.faces.base.devices`)."""

    CASHIER = "cashier"
    SUPERVISOR = "supervisor"
    MANAGER = "manager"
    ACCOUNTANT = "accountant"
    AUDITOR = "auditor"
    PARTNER = "partner"


STAFF = (Role.CASHIER, Role.SUPERVISOR, Role.MANAGER)
"""Who works at a counter of the house. A partner (a hotel reception) does not: it has a till of its own."""

OFFICE = (Role.MANAGER, Role.ACCOUNTANT)
"""Who works in the office."""

NAMES: dict[Role, Promise] = {
    Role.CASHIER: gettext_lazy("cashier"),
    Role.SUPERVISOR: gettext_lazy("supervisor"),
    Role.MANAGER: gettext_lazy("manager"),
    Role.ACCOUNTANT: gettext_lazy("accountant"),
    Role.AUDITOR: gettext_lazy("auditor"),
    Role.PARTNER: gettext_lazy("partner"),
}
