"""A product of a draft as a form: what people type, and the document's words for it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import UUID

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from karnet.kernel.decimals import BadDecimal, scaled, written
from karnet.parties.selectors import all_facilities

LANGUAGES = (("en", "English"), ("pl", "Polski"), ("ru", "Русский"), ("it", "Italiano"), ("de", "Deutsch"))
_KINDS = (("time", _("time ticket")), ("points", _("points ticket")), ("goods", _("goods")))
_VALIDITIES = (
    ("", _("none")),
    ("hours", _("hours")),
    ("days", _("days in a row")),
    ("days_within", _("some days out of a span")),
    ("season", _("from day to day")),
)
_STARTS = (("sale", _("when it is sold")), ("first_passage", _("at the first passage")))
_PRICE = re.compile(r"\s*([a-z0-9][a-z0-9_-]*)\s*[:=\s]\s*(\d+(?:[.,]\d{1,2})?)\s*")
_WINDOW = re.compile(r"\s*([1-7])(?:-([1-7]))?\s+(\d{1,2}):(\d\d)\s*-\s*(\d{1,2}):(\d\d)\s*")
_STAY = re.compile(r"\s*(\S+)\s+(\S+)\s+(?:(\d+[.,]\d{2})|(\S+?))(?:\s+[x×](\d{1,4}))?\s*")


class ProductForm(forms.Form):
    """A product. `values_of` makes its initial values of a document's product, `product` makes that of it again."""

    code = forms.RegexField(
        r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$",
        label=_("Code"),
        help_text=_("What it is called everywhere: day, points-30."),
    )
    kind = forms.ChoiceField(label=_("Kind"), choices=_KINDS)
    prices = forms.CharField(
        label=_("Prices"),
        help_text=_("A line for each category, with VAT: adult 160.00"),
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
    )
    vat = forms.CharField(label=_("VAT in per cent"), initial="8")
    deposit = forms.CharField(label=_("Card deposit"), initial="0.00", help_text=_("Taken when it goes on a new card."))
    points = forms.IntegerField(label=_("Points"), required=False, min_value=0, max_value=1_000_000)
    validity = forms.ChoiceField(label=_("Valid for"), choices=_VALIDITIES, required=False)
    starts = forms.ChoiceField(label=_("Starts"), choices=_STARTS, required=False)
    hours = forms.IntegerField(label=_("Hours"), required=False, min_value=0, max_value=8760)
    days = forms.IntegerField(label=_("Days"), required=False, min_value=0, max_value=3660)
    within_days = forms.IntegerField(label=_("Out of days"), required=False, min_value=0, max_value=3660)
    first_day = forms.DateField(
        label=_("First day"), required=False, widget=forms.DateInput({"type": "date"}, "%Y-%m-%d")
    )
    last_day = forms.DateField(
        label=_("Last day"), required=False, widget=forms.DateInput({"type": "date"}, "%Y-%m-%d")
    )
    windows = forms.CharField(
        label=_("Only at these times"),
        required=False,
        help_text=_("Weekdays from 1 (Monday), then from and until: 1-5 17:00-22:00"),
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false"}),
    )
    facilities = forms.MultipleChoiceField(
        label=_("Only at these facilities"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("None marked: at every gate of the common card."),
    )
    stays = forms.CharField(
        label=_("Stays in a bundle"),
        required=False,
        help_text=_(
            "A line for each place: its code, the tariff, the package or the prepaid amount: POOL swim 2h, POOL swim 54.00 x3"
        ),
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false"}),
    )

    def __init__(self, *arguments: Any, places: list[tuple[UUID, str]], **named: Any) -> None:
        super().__init__(*arguments, **named)
        for language, name in LANGUAGES:
            self.fields[f"name_{language}"] = forms.CharField(
                label=_("Name") if language == "en" else name, required=language == "en", max_length=200
            )
        choices = self.fields["facilities"]
        assert isinstance(choices, forms.MultipleChoiceField)
        choices.choices = [(str(id_), title) for id_, title in places]

    @property
    def name_fields(self) -> list[forms.BoundField]:
        return [self[f"name_{language}"] for language, _name in LANGUAGES]

    def clean_prices(self) -> dict[str, int]:
        found = {}
        for line in filter(str.strip, self.cleaned_data["prices"].splitlines()):
            match = _PRICE.fullmatch(line)
            if match is None:
                raise forms.ValidationError(
                    gettext("“%(line)s” is no price. Write: adult 160.00") % {"line": line[:40]}
                )
            found[match[1]] = scaled(match[2].replace(",", "."), 2)
        return found

    def clean_vat(self) -> int:
        return self._decimal("vat")

    def clean_deposit(self) -> int:
        return self._decimal("deposit")

    def clean_windows(self) -> list[dict[str, Any]]:
        found = []
        for line in filter(str.strip, self.cleaned_data["windows"].splitlines()):
            match = _WINDOW.fullmatch(line)
            if match is None:
                raise forms.ValidationError(
                    gettext("“%(line)s” is no time. Write: 1-5 17:00-22:00") % {"line": line[:40]}
                )
            first, last = int(match[1]), int(match[2] or match[1])
            start, end = int(match[3]) * 60 + int(match[4]), int(match[5]) * 60 + int(match[6])
            weekdays = [(day - 1) % 7 for day in range(first, (last if last >= first else last + 7) + 1)]
            found.append(
                {"weekdays": sorted(weekdays), "start_minute": start, "end_minute": end if end > start else end + 1440}
            )
        return found

    def clean_stays(self) -> list[dict[str, Any]]:
        found = []
        ids = {facility.code: str(facility.id) for facility in all_facilities()}
        for line in filter(str.strip, self.cleaned_data["stays"].splitlines()):
            match = _STAY.fullmatch(line)
            if match is None or match[1] not in ids:
                raise forms.ValidationError(
                    gettext("“%(line)s” is no stay at a place that is known. Write: POOL swim 2h") % {"line": line[:40]}
                )
            pays = {"prepaid_minor": scaled(match[3].replace(",", "."), 2)} if match[3] else {"package": match[4]}
            found.append({"facility": ids[match[1]], "tariff": match[2], "times": int(match[5] or 1), **pays})
        return found

    def _decimal(self, name: str) -> int:
        try:
            value: int = scaled(self.cleaned_data[name].strip().replace(",", "."), 2)
            return value
        except BadDecimal:
            raise forms.ValidationError(gettext("Write a number such as 8 or 10.50.")) from None

    def product(self) -> dict[str, Any]:
        """Return the product as a draft's document has it. Whether it may be published, publishing decides."""
        data = self.cleaned_data
        made: dict[str, Any] = {
            "code": data["code"],
            "kind": data["kind"],
            "names": {language: data[f"name_{language}"] for language, _name in LANGUAGES if data[f"name_{language}"]},
            "prices": data["prices"],
            "vat_bp": data["vat"],
        }
        if data["kind"] == "points":
            made["points"] = data["points"] or 0
        if data["kind"] != "goods":
            made["deposit_minor"] = data["deposit"]
            made["facilities"] = data["facilities"]
            if data["stays"]:
                made["stays"] = data["stays"]
            if data["validity"]:
                made["validity"] = self._validity()
        return made

    def _validity(self) -> dict[str, Any]:
        data = self.cleaned_data
        made: dict[str, Any] = {
            "kind": data["validity"],
            "starts": data["starts"] or "sale",
            "windows": data["windows"],
        }
        needed = {"hours": ["hours"], "days": ["days"], "days_within": ["days", "within_days"]}
        for name in needed.get(data["validity"], []):
            made[name] = data[name] or 0
        if data["validity"] == "season":
            made |= {name: data[name].isoformat() for name in ("first_day", "last_day") if data[name]}
        return made


def values_of(product: dict[str, Any]) -> dict[str, Any]:
    """Return the form's values for a product of a document; whatever of it is unfinished is left empty."""
    validity = _dict(product.get("validity"))
    prices = _dict(product.get("prices"))
    windows = validity.get("windows") or []
    return {
        "code": product.get("code", ""),
        "kind": product.get("kind", "time"),
        "prices": "\n".join(f"{category} {written(int(price), 2)}" for category, price in prices.items()),
        "vat": written(int(product.get("vat_bp", 800)), 2, least=0).rstrip("."),
        "deposit": written(int(product.get("deposit_minor", 0)), 2),
        "points": product.get("points"),
        "validity": validity.get("kind", ""),
        "starts": validity.get("starts", "sale"),
        "hours": validity.get("hours"),
        "days": validity.get("days"),
        "within_days": validity.get("within_days"),
        "first_day": _read(date.fromisoformat, validity.get("first_day")),
        "last_day": _read(date.fromisoformat, validity.get("last_day")),
        "windows": "\n".join(line for window in windows for line in _lines(window)),
        "stays": "\n".join(_stay_lines(product.get("stays") or [])),
        "facilities": [str(id_) for id_ in product.get("facilities", [])],
        **{f"name_{language}": name for language, name in _dict(product.get("names")).items()},
    }


def _stay_lines(stays: list[dict[str, Any]]) -> list[str]:
    codes = {str(facility.id): facility.code for facility in all_facilities()} if stays else {}
    return [
        f"{codes.get(str(stay.get('facility')), '?')} {stay.get('tariff', '')}"
        f" {stay.get('package') or written(int(stay.get('prepaid_minor', 0)), 2)}"
        + (f" x{stay['times']}" if int(stay.get("times", 1)) > 1 else "")
        for stay in stays
    ]


def _lines(window: dict[str, Any]) -> list[str]:
    """Return a window as lines, one for each run of weekdays."""
    days = sorted(int(day) + 1 for day in window.get("weekdays", []))
    runs: list[list[int]] = []
    for day in days:
        if runs and runs[-1][-1] == day - 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    start, end = int(window.get("start_minute", 0)), int(window.get("end_minute", 0))
    hours = f"{start // 60:02d}:{start % 60:02d}-{(end - 1440 if end > 1440 else end) // 60:02d}:{end % 60:02d}"
    return [f"{run[0]}-{run[-1]} {hours}" if len(run) > 1 else f"{run[0]} {hours}" for run in runs]


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _read(reader: Callable[[str], date], text: Any) -> date | None:
    try:
        return reader(text)
    except (TypeError, ValueError):
        return None
