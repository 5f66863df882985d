"""A customer's name and phone: what may be kept of them, and how they are found again. Pure: values in, values out."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from importlib.resources import files

import msgspec
import phonenumbers

from karnet.kernel.outcomes import Refused, bad_values
from karnet.kernel.reason_words import LANGUAGES

MAX_NAME = 100
MAX_EMAIL = 254
LEAST_LETTERS = 2
LEAST_DIGITS = 3
"""Fewer letters or digits find too many people to help anybody."""


class CustomerDetails(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of a customer: a surname or a phone at least. `language`: two letters, one of those we speak, or ""."""

    surname: str = ""
    given_name: str = ""
    phone: str = ""
    email: str = ""
    language: str = ""

    @property
    def name(self) -> str:
        """Return the name as it is spoken, else what else there is."""
        return " ".join(filter(None, (self.given_name, self.surname))) or self.phone or self.email


def check_customer(details: CustomerDetails, country: str = "") -> CustomerDetails | Refused:
    """Return the details as they are kept: spaces tidied, the phone in E.164. Refuses what is at fault, field by field.

    `country` (ISO 3166, two letters): whose numbers those without an international prefix are.
    """
    tidy = CustomerDetails(**{field: " ".join(text.split()) for field, text in msgspec.structs.asdict(details).items()})
    problems = {
        field: f"must have at most {MAX_NAME} characters"
        for field in ("surname", "given_name")
        if len(getattr(tidy, field)) > MAX_NAME
    }
    if not (tidy.surname or tidy.phone):
        problems["surname"] = "write a surname or a phone number"
    phone = e164(tidy.phone, country) if tidy.phone else ""
    if phone is None:
        problems["phone"] = "is no phone number; outside the country it starts with + and the country's digits"
    if tidy.email and (len(tidy.email) > MAX_EMAIL or not _EMAIL.fullmatch(tidy.email)):
        problems["email"] = "is no e-mail address"
    if tidy.language and tidy.language not in LANGUAGES:
        problems["language"] = f"must be one of {', '.join(LANGUAGES)}"
    if problems:
        return bad_values(problems)
    return msgspec.structs.replace(tidy, phone=phone or "")


# One address has one form only on its own server: this much is true of all (RFC 5321, section 4.1.2, in short).
_EMAIL = re.compile(r"[^@\s<>,;]+@[^@\s<>,;]+\.[^@\s<>,;.]+")


def e164(text: str, country: str = "") -> str | None:
    """Return a phone number in the form of ITU-T E.164 ("+48601234567"), None for what is none.

    However it was typed: with spaces, with 00 or +, in the national form of `country` (leading zeros as its plan has it).
    """
    if not country:
        text = re.sub(r"^\s*00", "+", text)
    try:
        number = phonenumbers.parse(text, country or None)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


@lru_cache(maxsize=1)
def _countries() -> dict[str, str]:
    rows = files("tzdata").joinpath("zoneinfo", "zone.tab").read_text().splitlines()
    return {zone: country for country, _, zone in (row.split("\t")[:3] for row in rows if row and row[0] != "#")}


def country_of(time_zone: str) -> str:
    """Return the country (ISO 3166, two letters) a time zone is named after, "" for one of no country such as UTC."""
    return _countries().get(time_zone, "")


# Letters that no decomposition takes apart (Unicode, annex 15): as people type them who have no such key.
_PLAIN = str.maketrans({"ł": "l", "đ": "d", "ð": "d", "ø": "o", "æ": "ae", "œ": "oe", "þ": "th", "ħ": "h", "ı": "i"})


def fold(text: str) -> str:
    """Return a text without case and accents, as it is compared: "Łącki" and "lacki" are the same.

    >>> fold("Łącki-Ångström")
    'lacki-angstrom'
    """
    # Folded twice: what a letter is taken apart into may have a case of its own (Unicode, section 3.13, D146).
    apart = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text.casefold()).casefold())
    plain = apart.translate(_PLAIN)
    return "".join(letter for letter in plain if not unicodedata.combining(letter))


def search_keys(details: CustomerDetails) -> set[str]:
    """Return what a customer is found by: every word of the name, the digits of the phone from the last on, the e-mail."""
    keys = {f"n{word}" for word in _words(f"{details.given_name} {details.surname}")}
    if details.phone:
        keys.add(f"p{details.phone[:0:-1]}")
    if details.email:
        keys.add(f"e{details.email.lower()}")
    return keys


def search_beginnings(text: str) -> list[str]:
    """Return the beginnings of keys that a customer must have to be meant by a text, the longest first.

    Digits alone are the last ones of a phone (three at least), a text with @ begins an e-mail, all else is words of a
    name, each from its beginning. Nothing for a text that says too little.
    """
    if "@" in text:
        return [f"e{text.strip().lower()}"]
    digits = re.sub(r"[\s+()./-]", "", text)
    if digits.isascii() and digits.isdigit():
        # What starts with 0 at home, or with 00 abroad, does not in E.164.
        digits = digits.lstrip("0") if len(digits) > 6 else digits
        return [f"p{digits[::-1]}"] if len(digits) >= LEAST_DIGITS else []
    words = _words(text)
    if max(map(len, words), default=0) < LEAST_LETTERS:
        return []
    return [f"n{word}" for word in sorted(words, key=len, reverse=True)]


def _words(text: str) -> list[str]:
    return list(dict.fromkeys(re.findall(r"[^\W_]+", fold(text))))
