"""`karnet federation key change | replace | vouch | show`: another key for a server's log, planned or after a loss."""

from __future__ import annotations

import time
from pathlib import Path

import click

from karnet.federation.membership.fingerprints import key_words, same_words
from karnet.journal.tlog.note import NoteError, VerifierKey
from karnet.wiring import clock
from karnet.wiring.cli.exits import Exit
from karnet.wiring.cli.federation import command, only_the_hub
from karnet.wiring.cli.frame import Session, karnet_group
from karnet.wiring.hub_guard import hub_holds
from karnet.wiring.installation import Installation
from karnet.wiring.key_change import make_next_key, next_key
from karnet.wiring.log_keys import keep_verifier_key, key_file, own_keys, signing_key, verifier_file, verifier_key
from karnet.wiring.problem import InstallationProblem

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@karnet_group(
    examples="""
    karnet federation key show
    karnet federation key change                    at a server that has its key
    karnet federation key replace > new-key.txt     at one that lost it
    """
)
def key() -> None:
    """The key that signs this server's log: look at it, change it, or replace a lost one."""


@key.command("show", examples="karnet federation key show")
@click.pass_obj
def show(session: Session) -> Exit:
    """Show the keys that sign and signed this server's log, in words, with the sizes of the log that are theirs."""
    installation = session.installation()
    keys, waiting = own_keys(installation), next_key(installation)
    told = [
        {"words": key_words(one.key.format()), "vkey": one.key.format(), "above": one.above, "until": one.until}
        for one in keys.keys
    ]
    lines = [
        f"{one['words']}\n    signs from {one['above']} entries on"
        + (f" to {one['until']}" if one["until"] is not None else "")
        for one in told
    ]
    if not key_file(installation).exists():
        lines.append("The private key is not there: nothing is signed.")
    if waiting is not None:
        lines.append(f"{key_words(waiting.verifier.format())}\n    waits for the hub")
    session.answer({"keys": told, "waits": waiting and waiting.verifier.format()}, "\n".join(lines))
    return Exit.OK


@key.command("change", examples="karnet federation key change")
@click.option(
    "--wait", type=click.IntRange(0, 3600), default=60, show_default=True, help="Seconds to wait for the hub."
)
@click.pass_obj
def change(session: Session, wait: int) -> Exit:
    """Change this server's key: announce a new one in its log, under the old; the hub confirms it; the sealer takes it.

    The hub's own key needs nobody's word: whoever has its log so far reads the announcement there. Safe to repeat and to
    interrupt: a change under way goes on. `karnet serve` has to run, here and at the hub.
    """
    with session.database() as installation:
        from karnet.federation import selectors, services
        from karnet.federation.keys import request_key
        from karnet.federation.requests import AnnounceKey
        from karnet.federation.rules import server_of
        from karnet.kernel.outcomes import Refused
        from karnet.wiring.cli.token import tell_refusal

        _only_of_a_card(installation)
        signing_key(installation)  # Without it nothing is signed, so nothing can be announced.
        new = make_next_key(installation).verifier.format()
        if not selectors.is_announced(installation.name, new):
            answer = services.announce_key(
                AnnounceKey(
                    key=request_key("announce-key", new),
                    at=clock.now(),
                    actor=server_of(installation.name),
                    log=installation.name,
                    vkey=new,
                )
            )
            if isinstance(answer, Refused):
                return tell_refusal(session, answer)
    end = time.monotonic() + wait
    while not (in_force := verifier_key(installation).format() == new) and time.monotonic() < end:
        time.sleep(0.2)
    words = key_words(new)
    if in_force:
        said = f"{installation.name} signs with its new key:\n    {words}\nBack up the keys directory."
    else:
        said = (
            f"Announced:\n    {words}\nThe old key signs until the announcement is sealed and, a member's, the hub has "
            f"confirmed it. That goes on by itself while `karnet serve` runs here and at the hub; `karnet federation key "
            f"show` tells how far it is."
        )
    session.answer({"words": words, "vkey": new, "in_force": in_force}, said)
    return Exit.OK


@key.command(
    "replace",
    examples="""
    karnet federation key replace > new-key.txt     at the server that lost its key: makes a new one
    karnet federation key replace new-key.txt       at the hub, when all other members have vouched for a member's
    """,
)
@click.argument("file", type=_FILE, required=False)
@click.option("--words", metavar="WORDS", help="At the hub: the key in words, as heard; then nothing is asked.")
@click.pass_obj
def replace(session: Session, file: Path | None, words: str | None) -> Exit:
    """Replace a lost key. Where it was lost: make a new key and print it, to be sent to the hub and every other member.

    At the hub, with a member's new key in FILE: let it sign what follows, once the managers of all other members have
    vouched. The old key signs nothing more from there on. Safe to repeat at both. The hub's own new key signs at once;
    each member believes it when its manager has vouched for it.
    """
    if file is not None:
        return _replaced(session, file, words)
    if session.installation().config.federation.role == "hub":
        return _replaced_own(session)
    with session.database() as installation:
        _only_a_member(installation)
        _only_without_key(installation)
        _keep_old_public_key(installation)
        _only_where_the_hub_has_all(installation)
        new = make_next_key(installation).verifier.format()
    session.say("The new key. Send it to the hub's people and to those of every other member; read them these words:")
    session.say(f"    {key_words(new)}")
    session.say("They run `karnet federation key vouch`, then the hub `karnet federation key replace`, with this text.")
    session.answer({"words": key_words(new), "vkey": new}, new)
    return Exit.OK


@key.command(
    "vouch",
    examples="""
    karnet federation key vouch new-key.txt
    karnet federation key vouch new-key.txt --words "lusab-babad-…"    for scripts: the words as they were heard
    """,
)
@click.argument("file", type=_FILE)
@click.option("--words", metavar="WORDS", help="The key in words, as heard; then nothing is asked.")
@click.pass_obj
def vouch(session: Session, file: Path, words: str | None) -> Exit:
    """Vouch, as this member's manager, for the new key in FILE of a server that lost its own: the words were compared.

    A member's counts when the managers of all others have vouched; the hub's counts here, from now on.
    """
    new, above = _compared(file, words)
    with session.database() as installation:
        from karnet.federation import peers, selectors, services
        from karnet.federation.requests import VouchKey
        from karnet.federation.rules import server_of
        from karnet.kernel.outcomes import Refused
        from karnet.wiring.cli.token import tell_refusal

        _only_a_member(installation)
        if installation.name not in selectors.vouchers(new.name, new.format()):
            at = clock.now()
            answer = services.vouch_key(
                VouchKey(
                    key=f"vouch-key:{new.name}:{at.isoformat()}",
                    at=at,
                    actor=server_of(installation.name),
                    voucher=installation.name,
                    log=new.name,
                    vkey=new.format(),
                    above=above,
                    held=selectors.held(new.name),
                )
            )
            if isinstance(answer, Refused):
                return tell_refusal(session, answer)
        peers.follow_members(clock.now())  # The hub's key counts at once.
    session.answer(
        {"log": new.name, "vkey": new.format()}, f"{installation.name} vouches for the new key of {new.name}."
    )
    return Exit.OK


def _replaced(session: Session, file: Path, words: str | None) -> Exit:
    only_the_hub(session.installation())
    new, _ = _compared(file, words)
    with session.database() as installation:
        from karnet.federation import peers, selectors, services
        from karnet.federation.requests import ReplaceKey
        from karnet.federation.rules import server_of
        from karnet.kernel.outcomes import Refused
        from karnet.wiring.cli.token import tell_refusal

        keyring = selectors.keyrings().get(new.name)
        if keyring is None or new != keyring.newest:
            at = clock.now()
            answer = services.replace_key(
                ReplaceKey(
                    key=f"replace-key:{new.name}:{at.isoformat()}",
                    at=at,
                    actor=server_of(installation.name),
                    log=new.name,
                    vkey=new.format(),
                    held=selectors.held(new.name),
                )
            )
            if isinstance(answer, Refused):
                return tell_refusal(session, answer)
            peers.follow_members(at)
        held = next(one.above for one in selectors.keyrings()[new.name].keys if one.key == new)
    session.answer(
        {"log": new.name, "vkey": new.format(), "above": held},
        f"The new key signs {new.name} above {held} entries; the old one signs nothing more.",
    )
    return Exit.OK


def _replaced_own(session: Session) -> Exit:
    """At the hub that lost its key: its new key signs what follows. Nobody else believes that yet."""
    with session.database() as installation:
        from karnet.federation import selectors, services
        from karnet.federation.keys import request_key
        from karnet.federation.requests import ReplaceKey
        from karnet.federation.rules import server_of
        from karnet.journal.log_tables import LogTables, snapshot
        from karnet.kernel.outcomes import Refused
        from karnet.wiring.cli.token import tell_refusal

        _keep_old_public_key(installation)
        name, newest = installation.name, selectors.log_keys()[installation.name][-1]
        waiting = next_key(installation)
        said = newest.vkey == (waiting.verifier if waiting else verifier_key(installation)).format()
        if not said or newest.ends is None:
            _only_without_key(installation)
            _only_where_nothing_is_missing(installation)
            with snapshot() as cursor:
                size = LogTables(cursor).size() or 0
            new = make_next_key(installation).verifier.format()
            answer = services.replace_key(
                ReplaceKey(
                    key=request_key("replace-own-key", new),
                    at=clock.now(),
                    actor=server_of(name),
                    log=name,
                    vkey=new,
                    held=size,
                )
            )
            if isinstance(answer, Refused):
                return tell_refusal(session, answer)
            newest = selectors.log_keys()[name][-1]
    text = f"{newest.above} {newest.vkey}"
    session.say("The hub's new key. Send it to the people of every member; read them these words when they call you:")
    session.say(f"    {key_words(text)}")
    session.say("They run `karnet federation key vouch` with this text; until then they take nothing more of this log.")
    session.answer({"words": key_words(text), "vkey": newest.vkey, "above": newest.above}, text)
    return Exit.OK


def _compared(file: Path, heard: str | None) -> tuple[VerifierKey, int | None]:
    """Return the key in a file after its words were compared with those that its owner said, and for the hub's the number
    of entries that stands before it: those that its lost key signed."""
    try:
        text = file.read_text().strip()
        signed, _, vkey = text.rpartition(" ")
        new, above = VerifierKey.parse(vkey), int(signed) if signed else None
    except (NoteError, ValueError) as error:
        raise click.BadParameter(f"it holds no key: {error}", param_hint="FILE") from error
    words = key_words(text)
    if heard is not None and not same_words(heard, words):
        raise InstallationProblem(
            "other-key",
            f"The key in {file} is not the one you heard: it says {words}.",
            f"Somebody may have changed it on its way. Call the people of {new.name}, at a number you know.",
        )
    if heard is None:
        click.echo(f"The new key of {new.name} in words:\n    {words}", err=True)
        click.confirm("Did its people, called at a number you know, read you these words?", abort=True, err=True)
    return new, above


def _only_of_a_card(installation: Installation) -> None:
    if installation.config.federation.role == "none":
        raise InstallationProblem(
            "not-on-a-card",
            f"{installation.path} takes part in no common card.",
            "Only where others hold the log is there anybody to tell of another key.",
        )


def _only_a_member(installation: Installation) -> None:
    if installation.config.federation.role != "member":
        raise InstallationProblem(
            "not-a-member",
            f"{installation.path} is no member of a common card.",
            "Run this at a member; `karnet federation status` tells who takes part.",
        )


def _only_without_key(installation: Installation) -> None:
    if key_file(installation).exists():
        raise InstallationProblem(
            "key-present",
            f"The key is there: {key_file(installation)}.",
            "To change it: `karnet federation key change`. If others may have it, too, stop `karnet serve`, move the "
            "file away, start it again, and run this once more.",
        )


def _keep_old_public_key(installation: Installation) -> None:
    """What was signed must stay verifiable: where the public half is lost, too, the hub's log has it."""
    from karnet.federation import selectors

    if not verifier_file(installation).exists() and (keyring := selectors.keyrings().get(installation.name)):
        keep_verifier_key(installation, keyring.newest)


def _only_where_nothing_is_missing(installation: Installation) -> None:
    """The old key ends at what it signed: a database put back from a backup does not know how much that was."""
    from karnet.journal.guard import MayNotSign
    from karnet.wiring.sealing import examine

    found = examine(installation)
    if isinstance(found, MayNotSign):
        raise InstallationProblem(f"log-{found.why}", found.what, found.do)


def _only_where_the_hub_has_all(installation: Installation) -> None:
    """The old key ends at what the hub holds, so nothing that it signed may be missing there, or here."""
    from karnet.journal.log_tables import LogTables, snapshot

    with snapshot() as cursor:
        size = LogTables(cursor).size() or 0
    held = hub_holds(installation)
    if held is None:
        raise InstallationProblem(
            "hub-unreachable", "The hub does not answer.", "Check the network and that the hub runs; run this again."
        )
    if held < size:
        raise InstallationProblem(
            "hub-behind",
            f"The hub holds {held} of the {size} entries that the lost key signed.",
            "Let `karnet serve` run until `karnet federation status` shows that all are held; then run this again.",
        )
    if held > size:
        raise InstallationProblem(
            "log-behind",
            f"The hub holds {held} entries of this log, the database {size}: a backup was restored.",
            "Stop `karnet serve` and run `karnet federation recover` first.",
        )


command.add_command(key)
