"""Exact decimals as people write them, kept as whole numbers: "160.00" PLN is 16000 grosz, "1.50" is 1500000 millionths.

How many decimal places money has, its currency says (ISO 4217): two in most, none in yen, three in dinars.
"""

from __future__ import annotations

import re

from karnet.kernel.canonical import MAX_INTEGER

# ISO 4217, list one: the currencies whose minor unit is not a hundredth. (MGA and MRU count fifths; the list says 2.)
_PLACES = (
    dict.fromkeys(
        [
            "BIF",
            "CLP",
            "DJF",
            "GNF",
            "ISK",
            "JPY",
            "KMF",
            "KRW",
            "PYG",
            "RWF",
            "UGX",
            "UYI",
            "VND",
            "VUV",
            "XAF",
            "XOF",
            "XPF",
        ],
        0,
    )
    | dict.fromkeys(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"], 3)
    | dict.fromkeys(["CLF", "UYW"], 4)
)
_DECIMAL = re.compile(r"(\d{1,16})(?:\.(\d{1,6}))?", re.ASCII)


class BadDecimal(ValueError):
    """The text is no plain decimal number, or has more decimal places or digits than fit; the message says which."""


def places(currency: str) -> int:
    """Return how many decimal places amounts of a currency have (ISO 4217). Two for one that is not known.

    >>> places("PLN"), places("JPY"), places("KWD")
    (2, 0, 3)
    """
    return _PLACES.get(currency, 2)


def scaled(text: str, places: int) -> int:
    """Return a non-negative decimal text times ten to the power of `places`; raise BadDecimal if that is not exact.

    >>> scaled("1.50", 6)
    1500000
    """
    match = _DECIMAL.fullmatch(text)
    if match is None:
        raise BadDecimal(f"{text!r} is not a decimal number such as 1.50")
    whole, part = match[1], (match[2] or "").rstrip("0")
    if len(part) > places:
        raise BadDecimal(f"{text!r} has more than {places} decimal places")
    value = int(whole + part.ljust(places, "0"))
    if value > MAX_INTEGER:
        raise BadDecimal(f"{text!r} is too large")
    return value


def signed(text: str, places: int) -> int:
    """Return the same of a text that may begin with a minus, as `written` writes what is below zero.

    >>> signed("-0.05", 2)
    -5
    """
    return -scaled(text[1:], places) if text.startswith("-") else scaled(text, places)


def written(value: int, places: int, *, least: int | None = None) -> str:
    """Return a scaled value as decimal text with all its `places`, or with at least `least` of them.

    >>> written(-5, 2), written(1_500_000, 6, least=2), written(160, 0)
    ('-0.05', '1.50', '160')
    """
    whole, part = divmod(abs(value), 10**places)
    digits = f"{part:0{places}d}" if places else ""
    if least is not None:
        digits = digits[:least] + digits[least:].rstrip("0")
    return f"{'-' if value < 0 else ''}{whole}{'.' if digits else ''}{digits}"


def minor_units(text: str, currency: str) -> int:
    """Return an amount in minor units; raise BadDecimal for one finer than the currency, and as `scaled` does.

    >>> minor_units("160.5", "PLN"), minor_units("1.234", "KWD")
    (16050, 1234)
    """
    try:
        return scaled(text, places(currency))
    except BadDecimal as error:
        raise BadDecimal(f"{error} (an amount in {currency})") from None


def money(minor: int, currency: str) -> str:
    """Return an amount in minor units as decimal text, without the currency's code.

    >>> money(16000, "PLN"), money(16000, "JPY"), money(16000, "KWD")
    ('160.00', '16000', '16.000')
    """
    return written(minor, places(currency))
