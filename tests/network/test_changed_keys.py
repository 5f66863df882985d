"""A member and the hub change their keys, and get others for those that were lost: real processes, while Jawor sells."""

from __future__ import annotations

from pathlib import Path

import pytest

from karnet.federation.membership.fingerprints import key_words
from karnet.wiring.log_keys import earlier_keys, key_file, verifier_key
from karnet.wiring.network.servers import Card, Server, karnet, until
from karnet.wiring.problem import InstallationProblem
from karnet.wiring.serve.report import State, read_report
from tests.network.conftest import sale
from tests.network.test_common_card import admitted, hashes


def vkey(server: Server) -> str:
    return verifier_key(server.installation).format()


def sold_everywhere(card: Card, base: int, name: str) -> None:
    """A sale at Jawor counts everywhere, and every log is what was signed wherever it is held."""
    assert card.members["jawor"].ask("sell", step=sale(base, name))["ok"]
    assert admitted(card, base, name)["ok"], card.where()
    assert len(hashes(card)) == 1
    for server in card.servers:
        told = karnet(server.path, "journal", "verify")  # ends otherwise than with 0 if any log is not sound
        assert "karnet.test/jawor" in told, server.name
        karnet(server.path, "federation", "status")  # ends with 1 if something needs people


def test_a_member_changes_its_key_though_its_processes_are_killed(card: Card) -> None:
    jawor = card.members["jawor"]
    before, secret = vkey(jawor), key_file(jawor.installation).read_text()
    sold_everywhere(card, 0, "old-key")
    jawor.cut()
    karnet(jawor.path, "federation", "key", "change", "--wait", "0")
    jawor.kill("sealer")
    assert jawor.ask("sell", step=sale(100, "announced"))["ok"]
    assert vkey(jawor) == before, "the hub has not confirmed it: it does not know yet"
    jawor.mend()
    card.hub.kill("relay")
    until(lambda: vkey(jawor) != before, "the new key to be in force")
    jawor.kill("sealer")
    sold_everywhere(card, 200, "new-key")
    assert [key.format() for _, key in earlier_keys(jawor.installation)] == [before]
    assert key_file(jawor.installation).read_text() != secret, "the old private key is gone"
    again = karnet(jawor.path, "federation", "key", "change")
    assert key_words(vkey(jawor)) in again
    sold_everywhere(card, 300, "newer-key")
    assert len(earlier_keys(jawor.installation)) == 2


def test_a_lost_key_is_replaced_when_the_others_have_vouched(card: Card, tmp_path: Path) -> None:
    jawor, kopa = card.members["jawor"], card.members["kopa"]
    before = vkey(jawor)
    card.settled_cut()
    jawor.stop()
    key_file(jawor.installation).unlink()
    jawor.serve()
    until(lambda: (r := read_report(jawor.installation, "sealer")) and r.code == "log-key-lost", "the sealer's refusal")
    assert jawor.ask("sell", step=sale(1000, "keyless"))["ok"], "selling goes on"
    new = tmp_path / "new-key.txt"
    new.write_text(karnet(jawor.path, "federation", "key", "replace"))
    words = key_words(new.read_text().strip())
    assert karnet(jawor.path, "federation", "key", "replace") == new.read_text(), "it may be asked again"
    with pytest.raises(InstallationProblem):
        karnet(card.hub.path, "federation", "key", "replace", str(new), "--words", words)
    karnet(kopa.path, "federation", "key", "vouch", str(new), "--words", words)

    def replaced() -> bool:
        try:
            karnet(card.hub.path, "federation", "key", "replace", str(new), "--words", words)
        except InstallationProblem:
            return False
        return True

    until(replaced, "what Kopa vouched to be at the hub")
    until(lambda: (r := read_report(jawor.installation, "sealer")) and r.state is State.RUNNING, "the sealer")
    assert vkey(jawor) == new.read_text().strip() != before
    sold_everywhere(card, 1100, "replaced")
    assert admitted(card, 1000, "keyless")["ok"]


def test_the_hub_changes_its_key_and_loses_it(card: Card, tmp_path: Path) -> None:
    hub, jawor, kopa = card.hub, card.members["jawor"], card.members["kopa"]
    before = vkey(hub)
    kopa.cut()
    karnet(hub.path, "federation", "key", "change")
    changed = vkey(hub)
    assert changed != before
    kopa.mend()  # It hears of the new key from notes by the old one.
    assert jawor.ask("sell", step=sale(2000, "hub-changed"))["ok"]
    assert admitted(card, 2000, "hub-changed")["ok"], card.where()

    hub.stop()
    key_file(hub.installation).unlink()
    hub.serve()
    new = tmp_path / "hub-key.txt"
    new.write_text(karnet(hub.path, "federation", "key", "replace"))
    words = key_words(new.read_text().strip())
    until(lambda: vkey(hub) not in (before, changed), "the new key to be in force")
    with pytest.raises(InstallationProblem):
        karnet(jawor.path, "federation", "key", "vouch", str(new), "--words", key_words(changed))
    for member in (jawor, kopa):
        karnet(member.path, "federation", "key", "vouch", str(new), "--words", words)
    sold_everywhere(card, 2100, "hub-replaced")
    assert [key.format() for _, key in earlier_keys(hub.installation)] == [before, changed]
