"""What the demo's products are called in the five languages of the screens."""

from __future__ import annotations

_LANGUAGES = ("pl", "ru", "it", "de")
_NAMES = {
    "30 points": ("30 punktów", "30 баллов", "30 punti", "30 Punkte"),
    "60 points": ("60 punktów", "60 баллов", "60 punti", "60 Punkte"),
    "2 hours": ("2 godziny", "2 часа", "2 ore", "2 Stunden"),
    "4 hours": ("4 godziny", "4 часа", "4 ore", "4 Stunden"),
    "Day ticket": ("Karnet dzienny", "На день", "Giornaliero", "Tageskarte"),
    "2 days": ("2 dni", "2 дня", "2 giorni", "2 Tage"),
    "7 days": ("7 dni", "7 дней", "7 giorni", "7 Tage"),
    "5 days of 7": ("5 z 7 dni", "5 дней из 7", "5 giorni su 7", "5 von 7 Tagen"),
    "Season pass": ("Karnet sezonowy", "На сезон", "Stagionale", "Saisonkarte"),
    "Training slope, 2 hours": (
        "Stok szkoleniowy, 2 godziny", "Учебный склон, 2 часа", "Pista scuola, 2 ore", "Übungshang, 2 Stunden",
    ),
    "Map": ("Mapa", "Карта местности", "Mappa", "Karte der Pisten"),
    "Mulled wine": ("Grzane wino", "Глинтвейн", "Vin brulé", "Glühwein"),
    "Goggles": ("Gogle", "Очки", "Occhiali", "Skibrille"),
}  # fmt: skip


def called(english: str) -> dict[str, str]:
    """Return a product's names by language, from the English one."""
    return {"en": english, **dict(zip(_LANGUAGES, _NAMES.get(english, ()), strict=False))}
