"""Amounts as people write them in scenarios: decimal text, never a float. "160.00" PLN is 16000 grosz."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from karnet.access.operations import WEIGHT_UNITS
from karnet.kernel import decimals
from karnet.kernel.decimals import scaled

# The look-ahead, because "$" alone also matches before a last line feed.
END = "$(?!\n)"
AMOUNT_PATTERN = f"^[0-9]{{1,12}}([.][0-9]{{1,3}})?{END}"
PERCENT_PATTERN = f"^[0-9]{{1,2}}([.][0-9]{{1,2}})?{END}"
WEIGHT_PATTERN = f"^[0-9]{{1,6}}([.][0-9]{{1,6}})?{END}"

Amount = (
    Annotated[
        str,
        Meta(
            pattern=AMOUNT_PATTERN,
            description='Money as text in the facility\'s currency ("160.00").',
            examples=["160.00", "23.00"],
        ),
    ]
    | Annotated[int, Meta(ge=0, le=10**14, description="Money as a whole number of minor units (16000 is 160.00).")]
)
Percent = Annotated[
    str,
    Meta(pattern=PERCENT_PATTERN, description='A VAT rate in percent, as text ("8" or "8.00").'),
]
Weight = Annotated[
    str,
    Meta(
        pattern=WEIGHT_PATTERN,
        description="The weight of a passage: an exact decimal of at most six places, as text.",
        examples=["1.00", "1.50", "2.25"],
    ),
]


class Money(str):
    """Money in an outcome: reads as decimal text ("49.23"); `minor` is the same in minor units."""

    minor: int

    __slots__ = ("minor",)

    def __new__(cls, minor: int, currency: str) -> Money:
        money = super().__new__(cls, decimals.money(minor, currency))
        money.minor = minor
        return money


def minor_units(amount: str | int, currency: str) -> int:
    """Return an amount in minor units. Raises BadDecimal for more decimal places than the currency has.

    >>> minor_units("160.5", "PLN"), minor_units(16050, "PLN")
    (16050, 16050)
    """
    return amount if isinstance(amount, int) else decimals.minor_units(amount, currency)


def basis_points(percent: str) -> int:
    """Return a rate in basis points: "8" is 800."""
    return scaled(percent, 2)


def weight_units(weight: str) -> int:
    """Return a weight in whole millionths: "1.50" is 1500000."""
    assert WEIGHT_UNITS == 10**6
    return scaled(weight, 6)
