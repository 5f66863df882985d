"""Reasons in words (SPEC X3, X5)."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from karnet.kernel.outcomes import refused
from karnet.kernel.reason_words import LANGUAGES, WORDS, placeholders, words
from karnet.kernel.reasons import Reason


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_has_a_sentence_in_every_language(reason: Reason) -> None:
    assert reason in WORDS, f"put {reason} into words"
    for language in LANGUAGES:
        sentence = getattr(WORDS[reason], language)
        assert sentence.strip().endswith("."), (reason, language)
        # What happened, then what to do: two sentences, or two halves of one.
        assert len(re.findall(r"[.;,:] |\. ", sentence)) >= 1, (reason, language)


@pytest.mark.parametrize("reason", list(WORDS))
def test_all_languages_of_a_reason_name_the_same_facts(reason: Reason) -> None:
    named = {language: placeholders(getattr(WORDS[reason], language)) for language in LANGUAGES}
    assert len(set(map(frozenset, named.values()))) == 1, named


@pytest.mark.parametrize("reason", list(WORDS))
def test_a_refusal_without_facts_still_reads_well(reason: Reason) -> None:
    for language in LANGUAGES:
        said = words(refused(reason), language)
        assert not re.search(r"[{}\[\]]|  | \.", said), said


def test_the_five_languages_differ() -> None:
    for reason, sentence in WORDS.items():
        assert len(set(sentence)) == len(LANGUAGES), reason


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "There is not enough on the account: 1,234.50\u00a0PLN of 0.05\u00a0PLN. Top it up or pay another way."),
        ("pl-PL", "Za mało środków na koncie: 1\u00a0234,50\u00a0PLN z 0,05\u00a0PLN. Doładuj je albo zapłać inaczej."),
        ("de", "Das Guthaben reicht nicht: 1.234,50\u00a0PLN von 0,05\u00a0PLN. Laden Sie auf oder zahlen Sie anders."),
    ],
)
def test_amounts_are_written_as_the_language_writes_them(language: str, said: str) -> None:
    no = refused(Reason.INSUFFICIENT_FUNDS, available_minor=123450, needed_minor=5, currency="PLN")
    assert words(no, language) == said


def test_a_currency_without_minor_units_has_no_decimals() -> None:
    no = refused(Reason.INSUFFICIENT_FUNDS, available_minor=-1500, needed_minor=2000, currency="JPY")
    assert "−1,500\u00a0JPY of 2,000\u00a0JPY" in words(no, "en")


def test_a_currency_of_thousandths_has_three_decimals() -> None:
    no = refused(Reason.INSUFFICIENT_FUNDS, available_minor=1234567, needed_minor=5, currency="KWD")
    assert "1.234,567\u00a0KWD von 0,005\u00a0KWD" in words(no, "de")


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "it opens again at 2026-03-29 03:00:05"),
        ("it", "riapre alle 29/03/2026 03:00:05"),
        ("ru", "следующий проход в 29.03.2026 03:00:05"),
    ],
)
def test_instants_are_shown_by_the_wall_clock_of_the_zone(language: str, said: str) -> None:
    no = refused(Reason.PASSBACK, until="2026-03-29T01:00:05Z", time_zone="Europe/Warsaw")
    assert said in words(no, language)


def test_whole_minutes_are_shown_without_seconds() -> None:
    no = refused(Reason.NOT_YET_VALID, valid_from="2026-01-31T08:00:00Z")
    assert "from 2026-01-31 08:00." in words(no, "en")


def test_a_language_nobody_here_speaks_gets_english() -> None:
    assert words(refused(Reason.GATE_CLOSED), "cs") == words(refused(Reason.GATE_CLOSED), "en")


@pytest.mark.parametrize(
    ("language", "today", "later"),
    [
        ("en", "the next entry is from 12:45.", "from 2026-03-30 12:45"),
        ("pl", "następne wejście od 12:45.", "od 30.03.2026 12:45"),
        ("ru", "следующий вход с 12:45.", "с 30.03.2026 12:45"),
        ("it", "prossimo ingresso dalle 12:45.", "dal 30/03/2026 12:45"),
        ("de", "nächster Einlass ab 12:45.", "ab 30.03.2026 12:45"),
    ],
)
def test_a_time_of_the_readers_own_day_is_told_by_the_clock_alone(language: str, today: str, later: str) -> None:
    # Half past ten on the last evening of March 28 in UTC is March 29 in Warsaw already.
    read = datetime(2026, 3, 28, 23, 30, tzinfo=UTC)
    soon = refused(Reason.OUTSIDE_WINDOW, since="2026-03-29T10:45:00Z", time_zone="Europe/Warsaw")
    tomorrow = refused(Reason.OUTSIDE_WINDOW, since="2026-03-30T10:45:00Z", time_zone="Europe/Warsaw")
    assert today in words(soon, language, at=read)
    assert later in words(tomorrow, language, at=read)
    assert "12:45" in words(soon, language)
    assert words(soon, language) != words(soon, language, at=read)
