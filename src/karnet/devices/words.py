"""What stands on papers that guests take away, in the five languages; and names of what has none in a price list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Words(NamedTuple):
    """The words of a paper."""

    receipt: str
    copy: str
    returned: str
    test: str
    deposit: str
    total: str
    refund: str
    vat: str
    change: str
    served: str
    not_fiscal: str
    comma: str


WORDS = {
    "pl": Words(
        "Potwierdzenie sprzedaży", "Kopia", "Zwrot", "Wydruk próbny", "Kaucja za karty", "Razem", "Wypłacono", "w tym VAT",
        "Reszta", "Obsługa", "To nie jest paragon fiskalny", ",",
    ),
    "en": Words(
        "Receipt", "Copy", "Return", "Test print", "Card deposits", "Total", "Paid out", "VAT included", "Change",
        "Served by", "Not a fiscal receipt", ".",
    ),
    "ru": Words(
        "Чек", "Копия", "Возврат", "Пробная печать", "Залог за карты", "Итого", "Выплачено", "в т. ч. НДС", "Сдача",
        "Обслужил(а)", "Не является фискальным чеком", ",",
    ),
    "it": Words(
        "Ricevuta", "Copia", "Reso", "Stampa di prova", "Cauzione tessere", "Totale", "Rimborsato", "di cui IVA", "Resto",
        "Servito da", "Documento non fiscale", ",",
    ),
    "de": Words(
        "Beleg", "Kopie", "Rückgabe", "Probedruck", "Kartenpfand", "Summe", "Ausgezahlt", "darin MwSt.", "Rückgeld",
        "Es bediente Sie", "Kein Fiskalbeleg", ",",
    ),
}  # fmt: skip

PAYMENTS = {
    "cash": ("Gotówka", "Cash", "Наличные", "Contanti", "Bar"),
    "card": ("Karta płatnicza", "Payment card", "Банковская карта", "Carta", "Karte"),
    "bank_transfer": ("Przelew", "Bank transfer", "Перевод", "Bonifico", "Überweisung"),
    "voucher": ("Bon", "Voucher", "Ваучер", "Buono", "Gutschein"),
    "internal_account": ("Konto", "Account", "Счёт клиента", "Conto", "Kundenkonto"),
    "invoice": ("Na fakturę", "On invoice", "По счёту", "Su fattura", "Auf Rechnung"),
    "stored_money": ("Środki na karcie", "Money on the card", "Деньги на карте", "Credito tessera", "Kartenguthaben"),
    "on_account": (
        "Na rachunek partnera",
        "Partner’s account",
        "На счёт партнёра",
        "Conto del partner",
        "Partnerkonto",
    ),
}

GOODS = {
    "stay": ("Pobyt", "Stay", "Пребывание", "Permanenza", "Aufenthalt"),
    "on_top": ("Dopłata za strefę", "Zone surcharge", "Доплата за зону", "Supplemento zona", "Zonenzuschlag"),
    "late_fee": ("Opłata za spóźnienie", "Late fee", "Плата за опоздание", "Mora", "Verspätungsgebühr"),
    "unused": ("Niewykorzystana przedpłata", "Unused prepayment", "Неиспользованная предоплата", "Acconto non goduto",
               "Verfallene Vorauszahlung"),
    "prepaid": ("Przedpłata za pobyt", "Prepayment for a stay", "Предоплата за пребывание", "Acconto permanenza",
                "Vorauszahlung Aufenthalt"),
    "pass_card": ("Karta", "Card", "Карта", "Tessera", "Karte"),
    "pass_instalment": ("Rata karnetu", "Pass instalment", "Взнос за абонемент", "Rata dell’abbonamento", "Abo-Rate"),
    "lost_band": ("Zgubiony pasek", "Lost wristband", "Утерянный браслет", "Braccialetto perso", "Verlorenes Armband"),
}  # fmt: skip
"""What a tab charges beside goods of the price list (docs/stays.md, "Money on a tab")."""

_ORDER = ("pl", "en", "ru", "it", "de")


def words(language: str) -> Words:
    """Return the words of a language; English for one we do not have."""
    return WORDS.get(language, WORDS["en"])


def said(code: str, among: Mapping[str, tuple[str, ...]], language: str) -> str:
    """Return what a code is called; the code itself where it has no name."""
    named = among.get(code)
    return named[_ORDER.index(language) if language in _ORDER else 1] if named else code
