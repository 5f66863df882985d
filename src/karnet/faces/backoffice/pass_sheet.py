"""A kind of pass as a form: what people type, and the kind made of it again. Nothing is lost between the two.

A sheet is text in fields: general ones, and rows of tiers ("t"), purses ("u"), packs ("k") and categories ("c").
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

from django.utils.translation import gettext as _

from karnet.accounts.top_ups import Tier
from karnet.faces.backoffice.product_form import LANGUAGES
from karnet.faces.backoffice.tariff_sheet import Unreadable, codes
from karnet.faces.base.amounts import minor_units, typed_amount
from karnet.kernel.decimals import BadDecimal, scaled, written
from karnet.passes.kinds import Content, Contract, Pack, PassKind, Purse

GROUPS = {
    "t": ("from", "bonus", "days"),
    "u": ("code", "what", "pays", "vat"),
    "k": ("code", "holds", "days"),
    "c": ("who", "as"),
}
GENERAL = (
    *(f"name_{language}" for language, _name in LANGUAGES),
    "code",
    "amounts",
    "free",
    "least",
    "card_price",
    "card_vat",
    "tariff",
    "hold",
    "hold_hours",
    "people",
    "months",
    "price",
    "contract_vat",
    "instalments",
    "grace",
)
MOST_ROWS = 40
_FIELD = re.compile(r"([tukc])(\d{1,2})-([a-z]+)")
_HOLDS = re.compile(r"(\S+)\s+([\d.,]+)(?:\s*=\s*([\d.,]+))?")
T = TypeVar("T")
Row = dict[str, str]


class PassSheet(NamedTuple):
    """The form: fields by name, rows by group."""

    fields: Row
    rows: dict[str, list[Row]]


def typed_pass(sent: Mapping[str, str]) -> PassSheet:
    """Return the sheet that a form sent; fields of no sheet are passed over."""
    sheet = PassSheet({}, {group: [] for group in GROUPS})
    for name, text in sent.items():
        value = str(text).replace("\0", "").strip()[:400]
        match = _FIELD.fullmatch(name)
        if match is None:
            if name in GENERAL:
                sheet.fields[name] = value
        elif match[3] in GROUPS[match[1]] and int(match[2]) < MOST_ROWS:
            rows = sheet.rows[match[1]]
            rows.extend({} for _more in range(int(match[2]) + 1 - len(rows)))
            rows[int(match[2])][match[3]] = value
    return sheet


def fields_of(sheet: PassSheet) -> Row:
    """Return a sheet as a form sends it: `typed_pass` makes the same of it again."""
    rows = {
        f"{group}{n}-{name}": text
        for group, listed in sheet.rows.items()
        for n, row in enumerate(listed)
        for name, text in row.items()
    }
    return {**sheet.fields, **rows}


def changed_pass(sheet: PassSheet, do: str) -> PassSheet:
    """Return the sheet after a button: "add:t", "drop:t0", "up:u1". One that makes no sense changes nothing."""
    what, _colon, target = do.partition(":")
    group, place = target[:1], target[1:]
    if group not in GROUPS or (place and not (place.isascii() and place.isdigit() and len(place) < 3)):
        return sheet
    rows = list(sheet.rows[group])
    if what == "add" and not place and len(rows) < MOST_ROWS:
        rows.append({"what": "money"} if group == "u" else {})
    elif place and int(place) < len(rows):
        n = int(place)
        if what == "drop":
            del rows[n]
        elif what == "up" and n:
            rows[n - 1], rows[n] = rows[n], rows[n - 1]
    return sheet._replace(rows={**sheet.rows, group: rows})


def sheet_of_pass(kind: PassKind, currency: str) -> PassSheet:
    """Return the sheet of a kind of pass."""
    money: Callable[[int], str] = lambda minor: typed_amount(minor, currency)  # noqa: E731
    contract = kind.contract
    terms = {} if contract is None else {
        "months": str(contract.months), "price": money(contract.price_minor), "contract_vat": rate(contract.vat_bp),
        "instalments": str(contract.instalments), "grace": str(contract.grace_days),
    }  # fmt: skip
    fields = {
        **{f"name_{language}": name for language, name in kind.names.items()},
        "code": kind.code,
        "amounts": " ".join(map(money, kind.amounts)),
        "free": "on" if kind.free_amounts else "",
        "least": money(kind.least_minor) if kind.least_minor != 1 else "",
        "card_price": money(kind.card_price_minor) if kind.card_price_minor else "",
        "card_vat": rate(kind.card_vat_bp),
        "tariff": kind.tariff,
        "hold": "" if kind.hold_minor is None else money(kind.hold_minor),
        "hold_hours": str(kind.hold_hours),
        "people": "" if kind.people is None else str(kind.people),
        **terms,
    }
    rows = {
        "t": [
            {"from": money(o.from_minor), "bonus": rate(o.bonus_bp), "days": _number(o.valid_days)} for o in kind.tiers
        ],
        "u": [
            {
                "code": one.code,
                "what": "credits" if one.unit == "credits" else "bonus" if one.bonus else "money",
                "pays": ", ".join(one.pays),
                "vat": "" if one.vat_bp is None else rate(one.vat_bp),
            }
            for one in kind.purses
        ],
        "k": [{"code": o.code, "holds": holds(o, kind, currency), "days": _number(o.valid_days)} for o in kind.packs],
        "c": [{"who": who, "as": category} for who, category in kind.categories.items()],
    }
    return PassSheet(fields, rows)


def rate(basis_points: int) -> str:
    """Return a rate as people type it: 800 is "8"."""
    return written(basis_points, 2, least=0).rstrip(".")


def holds(pack: Pack, kind: PassKind, currency: str) -> str:
    """Return what a pack holds as people type it: "classes 10 = 250.00; money 50.00"."""
    said = []
    for code, content in pack.into.items():
        purse = kind.purse(code)
        counted = purse is not None and purse.unit == "credits"
        amount = str(content.amount) if counted else typed_amount(content.amount, currency)
        usual = 0 if counted or (purse and purse.bonus) else content.amount
        price = "" if content.price_minor == usual else f" = {typed_amount(content.price_minor, currency)}"
        said.append(f"{code} {amount}{price}")
    return "; ".join(said)


def _number(value: int | None) -> str:
    return "" if value is None else str(value)


def kind_of(sheet: PassSheet, currency: str) -> tuple[PassKind | None, dict[str, str]]:
    """Return the kind that a sheet says, or None and what is wrong: field → sentence. Whether it may be published is for
    `passes.rules.offering` to say. Rows with nothing in them are passed over."""
    return _Reader(sheet, currency).kind()


class _Reader:
    """Reads fields, and notes those that cannot be read."""

    def __init__(self, sheet: PassSheet, currency: str) -> None:
        self.sheet, self.currency = sheet, currency
        self.wrong: dict[str, str] = {}

    def kind(self) -> tuple[PassKind | None, dict[str, str]]:
        fields = self.sheet.fields
        purses = tuple(self._purse(at, row) for at, row in self._rows("u"))
        made = PassKind(
            code=fields.get("code", ""),
            names={one: name for one, _said in LANGUAGES if (name := fields.get(f"name_{one}", ""))},
            amounts=self._read("amounts", fields, self._amounts, ()),
            free_amounts=bool(fields.get("free")),
            least_minor=self._read("least", fields, self.amount, 1),
            tiers=tuple(self._tier(at, row) for at, row in self._rows("t")),
            purses=purses,
            packs=tuple(self._pack(at, row, purses) for at, row in self._rows("k")),
            contract=self._contract(fields),
            card_price_minor=self._read("card_price", fields, self.amount, 0),
            card_vat_bp=self._read("card_vat", fields, _rate, 2300),
            tariff=fields.get("tariff", ""),
            categories={row.get("who", "") or "*": row.get("as", "") for _at, row in self._rows("c")},
            hold_minor=self._read("hold", fields, self.amount, None),
            hold_hours=self._read("hold_hours", fields, _count, 24),
            people=self._read("people", fields, _count, None),
        )
        for at, row in self._rows("c"):
            if not row.get("as"):
                self.wrong[f"{at}as"] = _("Say which category they have on this pass.")
        return (None if self.wrong else made), self.wrong

    def _rows(self, group: str) -> list[tuple[str, Row]]:
        return [
            (f"{group}{n}-", row)
            for n, row in enumerate(self.sheet.rows[group])
            if any(text for name, text in row.items() if name != "what")
        ]

    def _tier(self, at: str, row: Row) -> Tier:
        return Tier(
            from_minor=self._read("from", row, self.amount, 0, at),
            bonus_bp=self._read("bonus", row, _rate, 0, at),
            valid_days=self._read("days", row, _count, None, at),
        )

    def _purse(self, at: str, row: Row) -> Purse:
        what = row.get("what")
        return Purse(
            code=row.get("code", ""),
            unit="credits" if what == "credits" else "money",
            pays=tuple(codes(row.get("pays", ""))),
            bonus=what == "bonus",
            vat_bp=self._read("vat", row, _rate, None, at),
        )

    def _pack(self, at: str, row: Row, purses: tuple[Purse, ...]) -> Pack:
        return Pack(
            code=row.get("code", ""),
            into=self._read("holds", row, lambda text: self._contents(text, purses), {}, at),
            valid_days=self._read("days", row, _count, None, at),
        )

    def _contents(self, text: str, purses: tuple[Purse, ...]) -> dict[str, Content]:
        found = {}
        for item in filter(None, (part.strip() for part in text.split(";"))):
            match = _HOLDS.fullmatch(item)
            purse = next((one for one in purses if match and one.code == match[1]), None)
            if match is None or purse is None:
                wrong = _("“%(text)s”: name a purse and how much. Write: classes 10 = 250.00; money 50.00")
                raise Unreadable(wrong % {"text": item[:40]})
            amount = _count(match[2]) if purse.unit == "credits" else self.amount(match[2])
            usual = 0 if purse.unit == "credits" or purse.bonus else amount
            found[purse.code] = Content(amount=amount, price_minor=self.amount(match[3]) if match[3] else usual)
        return found

    def _contract(self, fields: Row) -> Contract | None:
        if not fields.get("months"):
            if fields.get("price"):
                self.wrong["months"] = _("Say for how many months, or leave the price out.")
            return None
        return Contract(
            months=self._read("months", fields, _count, 0),
            price_minor=self._read("price", fields, self.amount, 0),
            vat_bp=self._read("contract_vat", fields, _rate, 800),
            instalments=self._read("instalments", fields, _count, 1),
            grace_days=self._read("grace", fields, _count, 7),
        )

    def _amounts(self, text: str) -> tuple[int, ...]:
        return tuple(self.amount(one.rstrip(",")) for one in re.split(r"[;\s]+", text) if one.rstrip(","))

    def amount(self, text: str) -> int:
        minor = minor_units(text, self.currency)
        if minor is None:
            raise Unreadable(_("“%(text)s” is no amount. Write: 12.50") % {"text": text[:40]})
        return minor

    def _read(self, name: str, fields: Row, read: Callable[[str], T], empty: Any, at: str = "") -> Any:
        text = fields.get(name, "")
        if not text:
            return empty
        try:
            return read(text)
        except Unreadable as wrong:
            self.wrong[f"{at}{name}"] = str(wrong)
        return empty


def _rate(text: str) -> int:
    """Return a rate in per cent as basis points."""
    try:
        return int(scaled(text.rstrip("% ").replace(",", "."), 2))
    except BadDecimal:
        raise Unreadable(_("“%(text)s” is no rate in per cent. Write: 8") % {"text": text[:40]}) from None


def _count(text: str) -> int:
    """Return a whole number."""
    if not (text.isascii() and text.isdigit() and len(text) < 7):
        raise Unreadable(_("“%(text)s” is no whole number. Write: 30") % {"text": text[:40]})
    return int(text)
