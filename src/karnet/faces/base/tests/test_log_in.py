"""Logging in: password, second factor, lockout, where it leads."""

from __future__ import annotations

import base64
import re
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session
from django.db import DatabaseError, connection
from django.test import Client, override_settings
from django_otp.oath import totp
from django_otp.plugins.otp_totp.models import TOTPDevice

from karnet.faces.base import lockout, second_factors
from karnet.faces.base.roles import Role
from karnet.faces.base.tests.conftest import MORNING, PASSWORD, Hand

pytestmark = pytest.mark.database
Person = Callable[..., Any]


def log_in(client: Client, username: str = "anna", password: str = PASSWORD, **more: str) -> Any:
    return client.post("/login", {"username": username, "password": password, **more})


def signed_in(client: Client) -> bool:
    return client.get("/").status_code == 200


def test_the_right_password_opens_in_any_case_of_the_name(client: Client, person: Person, clock: Hand) -> None:
    person("anna")
    assert log_in(client, "ANNA").headers["Location"] == "/"
    assert signed_in(client)


def test_a_wrong_password_and_an_unknown_name_get_the_same_answer(client: Client, person: Person, clock: Hand) -> None:
    person("anna")
    known, unknown = log_in(client, "anna", "wrong"), log_in(client, "nobody", "wrong")
    assert known.status_code == unknown.status_code == 422
    strip = re.compile(rb'value="[^"]*"|"X-CSRFToken": "[^"]*"')
    assert strip.sub(b"", known.content) == strip.sub(b"", unknown.content)
    assert not signed_in(client)


def test_a_disabled_log_in_is_refused_and_its_sessions_end(client: Client, person: Person, clock: Hand) -> None:
    user = person("anna")
    log_in(client)
    assert signed_in(client)
    get_user_model().objects.filter(pk=user.pk).update(is_active=False)
    assert not signed_in(client)
    assert log_in(client).status_code == 422


def test_a_new_password_ends_sessions(client: Client, person: Person, clock: Hand) -> None:
    user = person("anna")
    log_in(client)
    user.set_password("another one, long enough")
    user.save()
    assert not signed_in(client)


def test_logging_in_changes_the_session_and_logging_out_ends_it(client: Client, person: Person, clock: Hand) -> None:
    person("anna")
    planted = client.session
    planted["by"] = "somebody else, who knows its key"
    planted.save()
    log_in(client)
    assert client.cookies["karnet_session"].value != planted.session_key
    assert signed_in(client)
    client.post("/logout")
    assert not signed_in(client)
    assert not Session.objects.exists()


@pytest.mark.parametrize(
    ("asked", "leads"),
    [
        ("/design", "/design"),
        ("/design?a=1&b=2", "/design?a=1&b=2"),
        ("https://localhost.evil.example/", "/"),
        ("//evil.example/x", "/"),
        ("/\\evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("http://localhost/design", "/design"),
        ("", "/"),
    ],
)
def test_it_leads_back_to_a_page_of_this_site_only(
    client: Client, person: Person, clock: Hand, asked: str, leads: str
) -> None:
    person("anna")
    assert log_in(client, next=asked).headers["Location"] == leads


def test_the_sixth_try_for_a_name_is_not_looked_at_even_if_right(client: Client, person: Person, clock: Hand) -> None:
    person("anna")
    person("basia")
    for _ in range(lockout.NAME_LIMIT):
        assert log_in(client, password="wrong").status_code == 422  # noqa: S106
    assert log_in(client).status_code == 429
    assert not signed_in(client)
    assert log_in(Client(SERVER_NAME="localhost"), "basia").status_code == 302
    clock.move(minutes=15)
    assert log_in(client).status_code == 302


def test_no_other_writing_of_a_name_gives_more_tries(database: None) -> None:
    tried = [lockout.may_try(name, "192.0.2.1", MORNING) for name in ("susi", "SUSI", "Susi", "ſuſi", "suſi", "ſusi")]
    assert tried == [True] * lockout.NAME_LIMIT + [False]


def test_a_right_password_forgets_the_failures_of_a_name(client: Client, person: Person, clock: Hand) -> None:
    person("anna")
    for _ in range(3):
        for _ in range(lockout.NAME_LIMIT - 1):
            log_in(client, password="wrong")  # noqa: S106
        assert log_in(client).status_code == 302


def test_one_address_may_not_try_name_after_name(client: Client, clock: Hand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lockout, "ADDRESS_LIMIT", 3)
    statuses = [log_in(client, f"name{n}", "wrong").status_code for n in range(5)]
    assert statuses == [422, 422, 422, 429, 429]
    other = client.post("/login", {"username": "name9", "password": "x"}, REMOTE_ADDR="192.0.2.9")
    assert other.status_code == 422


def test_behind_a_proxy_the_address_is_the_one_the_proxy_wrote(
    client: Client, clock: Hand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lockout, "ADDRESS_LIMIT", 1)

    def ask(name: str, forwarded: str) -> int:
        answer = client.post("/login", {"username": name, "password": "x"}, headers={"X-Forwarded-For": forwarded})
        return answer.status_code

    with override_settings(KARNET_BEHIND_PROXY=True):
        assert ask("a", "10.0.0.1, 192.0.2.7") == 422
        assert ask("b", "10.0.0.2, 192.0.2.7") == 429
        assert ask("c", "10.0.0.1, 192.0.2.8") == 422
    assert ask("d", "192.0.2.9") == 422
    assert ask("e", "192.0.2.10") == 429


def test_tries_made_at_once_are_all_counted(database: None) -> None:
    allowed: list[bool] = []
    start = threading.Barrier(8)

    def attempt() -> None:
        start.wait()
        allowed.append(lockout.may_try("anna", "192.0.2.1", MORNING))
        connection.close()

    threads = [threading.Thread(target=attempt) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(allowed) == [False] * (8 - lockout.NAME_LIMIT) + [True] * lockout.NAME_LIMIT


def turn_on(client: Client) -> tuple[bytes, list[str]]:
    """Set the second factor up as a person would; return the secret and the recovery codes."""
    page = client.get("/second-factor").content.decode()
    assert "data:image/svg+xml" in page
    sealed = re.search(r'name="sealed" value="([^"]+)"', page)[1]  # type: ignore[index]
    shown = re.search(r'class="secret">([A-Z2-7 ]+)<', page)[1].replace(" ", "")  # type: ignore[index]
    secret = base64.b32decode(shown + "=" * (-len(shown) % 8))
    assert client.post("/second-factor", {"code": "000 000", "sealed": sealed}).status_code == 422
    answer = client.post("/second-factor", {"code": f"{totp(secret):06}", "sealed": sealed})
    assert answer.status_code == 200
    return secret, re.findall(r"[A-Z2-7]{4}(?:-[A-Z2-7]{4}){3}", answer.content.decode())


def fresh_code(secret: bytes) -> str:
    """A right code; the one that was used a moment ago counts as unused again."""
    TOTPDevice.objects.update(last_t=-1, throttling_failure_count=0)
    return f"{totp(secret):06}"


def test_with_a_second_factor_the_password_alone_opens_nothing(client: Client, person: Person, clock: Hand) -> None:
    person("anna")
    log_in(client)
    secret, _ = turn_on(client)
    client.post("/logout")
    assert log_in(client, next="/design").headers["Location"] == "/login/code?next=%2Fdesign"
    assert not signed_in(client)
    assert client.post("/login/code", {"code": "12345"}).status_code == 422
    assert client.post("/login/code", {"code": "000000"}).status_code == 422
    assert not signed_in(client)
    answer = client.post("/login/code", {"code": fresh_code(secret), "next": "/design"})
    assert answer.headers["Location"] == "/design"
    assert signed_in(client)


def test_a_code_opens_once(client: Client, person: Person, clock: Hand) -> None:
    person("anna")
    log_in(client)
    secret, _ = turn_on(client)
    code = fresh_code(secret)
    for expected in (302, 422):
        client.post("/logout")
        log_in(client)
        assert client.post("/login/code", {"code": code}).status_code == expected


def test_the_password_is_asked_for_again_after_five_minutes(
    client: Client, person: Person, clock: Hand, monkeypatch: pytest.MonkeyPatch
) -> None:
    person("anna")
    log_in(client)
    secret, _ = turn_on(client)
    client.post("/logout")
    log_in(client)
    present = time.time()
    monkeypatch.setattr("django.core.signing.time.time", lambda: present + 301)
    answer = client.post("/login/code", {"code": fresh_code(secret)})
    assert answer.headers["Location"] == "/login"
    assert not signed_in(client)


def test_looking_at_the_set_up_keeps_nothing(client: Client, person: Person, clock: Hand) -> None:
    person("anna")
    log_in(client)
    client.get("/second-factor")
    assert not TOTPDevice.objects.exists()


def test_a_set_up_of_somebody_else_is_not_taken(client: Client, person: Person, clock: Hand) -> None:
    person("anna")
    other, sealed = second_factors.offer(person("basia"))
    log_in(client)
    code = f"{totp(other.bin_key):06}"
    assert client.post("/second-factor", {"code": code, "sealed": sealed}).status_code == 302
    assert not TOTPDevice.objects.exists()


def test_a_recovery_code_opens_once(client: Client, person: Person, clock: Hand) -> None:
    person("anna")
    log_in(client)
    _, codes = turn_on(client)
    assert len(set(codes)) == second_factors.CODES
    typed = codes[0].lower().replace("-", " ")
    for expected in (302, 422):
        client.post("/logout")
        log_in(client)
        assert client.post("/login/code", {"code": typed}).status_code == expected
    assert [event.what for event in second_factors.events(9)] == ["recovered", "on"]


def test_two_who_use_one_recovery_code_at_once_do_not_both_come_in(person: Person) -> None:
    user = person("anna")
    (code, *_) = second_factors.new_codes(user, MORNING)
    came_in: list[bool] = []
    start = threading.Barrier(4)

    def attempt() -> None:
        start.wait()
        came_in.append(second_factors.recover(user, code, MORNING))
        connection.close()

    threads = [threading.Thread(target=attempt) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(came_in) == [False, False, False, True]


def test_the_database_holds_no_recovery_code(person: Person) -> None:
    codes = second_factors.new_codes(person("anna"), MORNING)
    with connection.cursor() as cursor:
        cursor.execute("SELECT string_agg(c::text, ' ') FROM faces_recovery_code c")
        (held,) = cursor.fetchone()
    assert not any(code.replace("-", "") in held for code in codes)


def test_new_recovery_codes_replace_the_old_ones(client: Client, person: Person, clock: Hand) -> None:
    user = person("anna")
    log_in(client)
    secret, old = turn_on(client)
    answer = client.post("/second-factor/remove", {"code": fresh_code(secret), "do": "codes"})
    new = re.findall(r"[A-Z2-7]{4}(?:-[A-Z2-7]{4}){3}", answer.content.decode())
    assert len(new) == second_factors.CODES
    assert not second_factors.recover(user, old[0], MORNING)
    assert second_factors.recover(user, new[0], MORNING)


def test_a_manager_takes_a_lost_second_factor_off_and_that_is_on_record(
    client: Client, person: Person, clock: Hand
) -> None:
    user = person("anna")
    log_in(client)
    turn_on(client)
    boss = Client(SERVER_NAME="localhost")
    person("boss", Role.MANAGER)
    log_in(boss, "boss")
    for who, done in (("boss", False), ("anna", True)):
        boss.post(f"/office/staff/{who}/", {"what": "second-factor"})
        assert (second_factors.second_factor(user) is None) == done
    (event, *_) = second_factors.events(9)
    assert (event.username, event.by, event.what) == ("anna", "boss", "reset")
    with pytest.raises(DatabaseError), connection.cursor() as cursor:
        cursor.execute("DELETE FROM faces_log_in_event")
    client.post("/logout")
    assert log_in(client).headers["Location"] == "/"


def test_who_is_locked_out_waits_real_minutes_however_fast_a_demonstration_runs(
    client: Client, person: Person, clock: Hand
) -> None:
    person("anna")
    for _ in range(lockout.NAME_LIMIT):
        log_in(client, password="wrong")  # noqa: S106
    with override_settings(KARNET_CLOCK="karnet.faces.base.tests.conftest.an_hour_later"):
        assert log_in(client).status_code == 429


def test_codes_are_not_guessed_either(client: Client, person: Person, clock: Hand) -> None:
    person("anna")
    log_in(client)
    secret, _ = turn_on(client)
    client.post("/logout")
    log_in(client)
    statuses = [client.post("/login/code", {"code": "000000"}).status_code for _ in range(lockout.NAME_LIMIT)]
    assert statuses[-1] == 429
    assert client.post("/login/code", {"code": fresh_code(secret)}).status_code == 429


def test_nobody_reaches_the_code_without_the_password(client: Client) -> None:
    assert client.get("/login/code").headers["Location"] == "/login"


def test_a_last_code_turns_the_second_factor_off(client: Client, person: Person, clock: Hand) -> None:
    user = person("anna")
    log_in(client)
    secret, _ = turn_on(client)
    client.post("/second-factor/remove", {"code": "000000"})
    assert TOTPDevice.objects.filter(user=user).exists()
    client.post("/second-factor/remove", {"code": fresh_code(secret)})
    assert not TOTPDevice.objects.filter(user=user).exists()
    client.post("/logout")
    assert log_in(client).headers["Location"] == "/"
