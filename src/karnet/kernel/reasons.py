"""Why Karnet says no. A reason is a code that never changes meaning; its words are in reason_words.py."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """Reason codes, grouped by the slice that gives them. Add, never rename or reuse (they stand in journals)."""

    # journal
    KEY_REUSED = "key_reused"  # same idempotency key, other request
    CONFLICT = "conflict"  # the database's last guard refused
    UNKNOWN_ACTOR = "unknown_actor"
    ACTOR_RETIRED = "actor_retired"
    # parties
    UNKNOWN_FACILITY = "unknown_facility"
    UNKNOWN_SALES_POINT = "unknown_sales_point"
    ALREADY_EXISTS = "already_exists"
    BAD_VALUE = "bad_value"
    # catalogue
    UNKNOWN_PRODUCT = "unknown_product"
    NOT_ON_SALE = "not_on_sale"
    UNKNOWN_CATEGORY = "unknown_category"
    # accounts
    INSUFFICIENT_FUNDS = "insufficient_funds"
    MAY_NOT_CHARGE = "may_not_charge"  # no agreement in force lets this facility charge what others hold
    # media and entitlements
    UNKNOWN_MEDIUM = "unknown_medium"
    MEDIUM_BLOCKED = "medium_blocked"
    MEDIUM_RETURNED = "medium_returned"
    MEDIUM_REPLACED = "medium_replaced"
    MEDIUM_IN_USE = "medium_in_use"
    NOTHING_ON_MEDIUM = "nothing_on_medium"
    UNKNOWN_ENTITLEMENT = "unknown_entitlement"
    ENTITLEMENT_BLOCKED = "entitlement_blocked"
    ENTITLEMENT_VOID = "entitlement_void"
    NO_DEPOSIT = "no_deposit"
    NOT_BLOCKED = "not_blocked"
    # validity
    NOT_YET_VALID = "not_yet_valid"
    EXPIRED = "expired"
    DAYS_USED_UP = "days_used_up"
    OUTSIDE_WINDOW = "outside_window"
    NOT_VALID_HERE = "not_valid_here"
    NOT_ENOUGH_POINTS = "not_enough_points"
    # gates
    UNKNOWN_GATE = "unknown_gate"
    GATE_CLOSED = "gate_closed"
    PASSBACK = "passback"
    NO_TERMS = "no_terms"  # no agreement in force gives this gate points or a weight
    UNKNOWN_GRANT = "unknown_grant"
    GRANT_ENDED = "grant_ended"
    TOO_MANY_REFUSALS = "too_many_refusals"
    # orders
    EMPTY_SALE = "empty_sale"
    PAYMENT_MISMATCH = "payment_mismatch"
    NO_OPEN_SHIFT = "no_open_shift"
    SHIFT_OPEN = "shift_open"
    UNKNOWN_ORDER = "unknown_order"
    ALREADY_RETURNED = "already_returned"
    USED_CANNOT_RETURN = "used_cannot_return"
    INVOICE_DATA_MISSING = "invoice_data_missing"
    ALREADY_INVOICED = "already_invoiced"
    OTHER_CURRENCY = "other_currency"  # a card deposit taken in another currency
    # settlement
    NO_AGREEMENT = "no_agreement"
    PERIOD_CLOSED = "period_closed"
    UNKNOWN_CUT = "unknown_cut"
    NOTHING_TO_CLOSE = "nothing_to_close"
    AGREEMENT_OVERLAPS = "agreement_overlaps"  # two would be in force at once
    NEEDS_SIGNATURES = "needs_signatures"  # members of other servers have to sign it
    TEXT_DIFFERS = "text_differs"  # the digest given is not that of the agreement
    NOT_A_MEMBER = "not_a_member"
    NOT_A_MANAGER = "not_a_manager"  # only the member's own manager signs, on its own server
    ALREADY_SIGNED = "already_signed"
    # loyalty
    NO_RIGHT = "no_right"  # the card has no such right, or not for this product
    RIGHT_USED = "right_used"
    # faces
    LIMIT_REACHED = "limit_reached"  # a partner's own limit per day
    # federation
    UNKNOWN_MEMBER = "unknown_member"  # of the common card
    INVITATION_ENDED = "invitation_ended"
    HOME_ONLY = "home_only"  # only the server that sold it, or gave it out, may do this
    HOME_SILENT = "home_silent"  # the server that alone may do this was asked, and did not answer in time
    KEY_NOT_VOUCHED = "key_not_vouched"
    # tabs and stays
    UNKNOWN_TARIFF = "unknown_tariff"
    UNKNOWN_TAB = "unknown_tab"
    TAB_CLOSED = "tab_closed"
    PEOPLE_INSIDE = "people_inside"  # the tab's people have not all left
    NO_STAY = "no_stay"  # nobody's stay is on this band
    STAY_ENDED = "stay_ended"
    MONEY_OWED = "money_owed"  # nobody leaves before it is paid
    ALREADY_INSIDE = "already_inside"
    UNKNOWN_ZONE = "unknown_zone"
    ZONE_FULL = "zone_full"
    EVACUATION = "evacuation"
    NO_STAY_INCLUDED = "no_stay_included"  # the ticket includes no such stay here, or all of them have begun
    # capacity
    UNKNOWN_RESOURCE = "unknown_resource"
    UNKNOWN_ALLOTMENT = "unknown_allotment"
    NO_ROOM_LEFT = "no_room_left"  # an allotment has no room for so many
    PLACE_TAKEN = "place_taken"  # a seat, a locker: somebody has it
    UNKNOWN_PLACE = "unknown_place"
    UNKNOWN_CLAIM = "unknown_claim"
    HOLD_ENDED = "hold_ended"
    # lockers
    UNKNOWN_LOCKER = "unknown_locker"
    UNKNOWN_SECTION = "unknown_section"
    UNKNOWN_READER = "unknown_reader"  # it serves no section of lockers
    LOCKERS_FULL = "lockers_full"  # no free locker in this section
    LOCKER_TAKEN = "locker_taken"  # nobody leaves before it is given up
    LOCKER_ELSEWHERE = "locker_elsewhere"  # the band has one, in another section
    LOCKER_BLOCKED = "locker_blocked"
    LOCKER_FREE = "locker_free"  # nobody has it
    NOT_BLOCKED_LOCKER = "not_blocked_locker"
    NO_LOCKER = "no_locker"  # the band has none
    # refunds and replacements across servers
    CARD_NEEDED_BACK = "card_needed_back"  # without the home server's word money goes out for a card that comes back
    ALONE_LIMIT = "alone_limit"  # more than the agreement lets a server do without the home server's word
    # passes and benefit cards
    UNKNOWN_PASS = "unknown_pass"
    PASS_ON_CARD = "pass_on_card"
    PASS_BLOCKED = "pass_blocked"
    PASS_EXPIRED = "pass_expired"  # its contract is over
    PASS_SHORT = "pass_short"  # nobody leaves before the rest is paid
    PASS_IN_USE = "pass_in_use"
    NO_CREDITS = "no_credits"
    NOTHING_DUE = "nothing_due"  # no instalment is to be paid
    BENEFIT_USED = "benefit_used"  # one entry a day
    UNKNOWN_PROGRAMME = "unknown_programme"  # no agreement with this issuer of benefit cards
    WRONG_CODE = "wrong_code"
