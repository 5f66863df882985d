"""What a token may be allowed. A scope opens endpoints; the token's facility, gates and products narrow them."""

from __future__ import annotations

SCOPES = {
    "gates:scan": "Read media at gates and report turns.",
    "gates:read": "List gates; be told of passages.",
    "media:read": "See what is on a medium and its last passages; be told of blocks.",
    "media:block": "Block media and lift blocks.",
    "catalogue:read": "See what is on sale.",
    "sales:write": "Sell, top up and take back at the token's sales point.",
    "sales:read": "See sales of the token's sales point; be told of sales.",
    "money:read": "See the money on a card, and what the token's facility charged to cards.",
    "money:write": "Put money on cards and charge cards at the token's sales point.",
    "bands:read": "See whether a band can be charged, and what the token's sales point charged to tabs; be told of tabs' documents.",
    "bands:charge": "Charge dishes to the tabs of bands at the token's sales point, and take them off again.",
    "shifts:write": "Open and close shifts of the token's sales point.",
    "journal:read": "See how far the journal is recorded and sealed.",
    "settlement:read": "Compute settlements; be told of closings.",
    "webhooks:write": "Subscribe to events and send dead ones again.",
}

DEVICE = ("gates:scan", "gates:read")
PARTNER = ("catalogue:read", "sales:write", "sales:read", "media:read")
"""What a new token of a kind gets where nothing else is said."""
KINDS = {"device": DEVICE, "partner": PARTNER}
