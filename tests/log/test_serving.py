"""The log over HTTP: hashes for everybody, entries for those who may read the books."""

from __future__ import annotations

import json
from uuid import UUID

import pytest
from django.test import Client

from karnet.journal.tlog.checkpoint import open_checkpoint
from karnet.journal.tlog.merkle import leaf_hash, root_of
from karnet.journal.tlog.tiles import decode_bundle
from karnet.parties.services import AddUser, UserSaved, add_user
from karnet.wiring.installation import Installation
from karnet.wiring.log_keys import verifier_key
from tests.log.conftest import NAME, record, seal

PASSWORD = "correct horse battery staple"  # noqa: S105


def reader(role: str) -> Client:
    assert isinstance(add_user(AddUser(username=role, role=role, password=PASSWORD)), UserSaved)
    client = Client(SERVER_NAME="localhost")
    assert client.login(username=role, password=PASSWORD)
    return client


@pytest.mark.parametrize("role", ["manager", "accountant", "auditor"])
def test_who_may_read_the_books_reads_entries_that_give_the_signed_root(
    home: Installation, server: UUID, role: str
) -> None:
    record(server, 4)
    seal(home)
    client = reader(role)
    note = client.get("/checkpoint").content
    head = open_checkpoint(note, origin=NAME, log_keys=[verifier_key(home)]).checkpoint
    answer = client.get(f"/tile/entries/000.p/{head.size}")
    entries = decode_bundle(answer.content, head.size)
    assert root_of([leaf_hash(entry) for entry in entries]) == head.root
    assert json.loads(entries[0])["kind"] == "journal.founded"
    assert "private" in answer["Cache-Control"]
    assert client.get(f"/tile/entries/000.p/{head.size + 1}").status_code == 404


def test_nobody_else_reads_entries(home: Installation, server: UUID) -> None:
    record(server, 4)
    seal(home)
    stranger = Client(SERVER_NAME="localhost")
    assert stranger.get("/tile/0/000.p/5").status_code == 200
    assert stranger.get("/tile/entries/000.p/5").status_code == 302
    assert reader("cashier").get("/tile/entries/000.p/5").status_code == 403
