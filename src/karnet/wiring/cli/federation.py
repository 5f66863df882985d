"""`karnet federation …`: who takes part in the common card, and how it does."""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from karnet.wiring import clock
from karnet.wiring.card_keys import HubLink, cosigner_key, ensure_certificate, save_hub_link
from karnet.wiring.cli.exits import Exit
from karnet.wiring.cli.federation_simulate import simulate
from karnet.wiring.cli.frame import Session, karnet_group
from karnet.wiring.problem import InstallationProblem

if TYPE_CHECKING:
    from karnet.federation.http.joining import Joined
    from karnet.federation.membership.invitation import Invitation
    from karnet.wiring.installation import Installation

_JOIN_TIMEOUT_MS = 30_000


@karnet_group(
    examples="""
    karnet federation invite jawor.example/log      at the hub: prints an invitation
    karnet federation join invitation.txt           at the new member
    karnet federation status                        at either
    """
)
def command() -> None:
    """The common card: inviting, joining, watching, suspending (docs/federation.md)."""


@command.command(
    "invite",
    examples="""
    karnet federation invite jawor.example/log > invitation.txt
    karnet federation invite jawor.example/log --days 1
    """,
)
@click.argument("name")
@click.option("--days", type=click.IntRange(1, 90), default=7, show_default=True, help="How long it may be used.")
@click.pass_obj
def invite(session: Session, name: str, days: int) -> Exit:
    """Invite the server called NAME (server.name in its karnet.toml) and print the invitation.

    Whoever has the text can join in that name until it is used: send it by a way that is not public, and compare the
    words of both keys by telephone.
    """
    with session.database() as installation:
        from karnet.federation import selectors, services, tokens
        from karnet.federation.membership.fingerprints import key_words
        from karnet.federation.membership.invitation import Invitation
        from karnet.federation.requests import Invite
        from karnet.federation.rules import server_of
        from karnet.kernel.ids import milliseconds
        from karnet.kernel.outcomes import Refused
        from karnet.wiring.cli.token import tell_refusal
        from karnet.wiring.log_keys import verifier_key

        only_the_hub(installation)
        at = clock.now()
        answer = services.invite(
            Invite(
                key=f"invite:{name}:{milliseconds(at)}",
                at=at,
                actor=server_of(installation.name),
                log=name,
                until=at + timedelta(days=days),
            )
        )
        if isinstance(answer, Refused):
            return tell_refusal(session, answer)
        vkey = verifier_key(installation).format()
        earlier, in_force = selectors.keys_until(installation.name, vkey)
        invitation = Invitation(
            hub=installation.name,
            vkey=vkey,
            above=in_force.above,
            ends=in_force.ends,
            earlier=earlier,
            addresses=installation.config.federation.addresses,
            certificate=ensure_certificate(installation, [], at),
            token=tokens.invitation_token(name, answer.invitation, at),
            member=name,
            until=answer.until,
        )
    session.say(f"for {name}, once, until {answer.until:%Y-%m-%d %H:%M} UTC. This hub's key in words:")
    session.say(f"    {key_words(vkey)}")
    session.answer({"invitation": invitation.text(), "until": answer.until}, invitation.text())
    return Exit.OK


@command.command(
    "join",
    examples="""
    karnet federation join invitation.txt
    karnet federation join - --hub-words "lusab-babad-…"    for scripts: the words as the hub's people said them
    """,
)
@click.argument("file", type=click.Path(allow_dash=True, dir_okay=False, path_type=Path))
@click.option("--hub-words", metavar="WORDS", help="The hub's key in words, as heard; then nothing is asked.")
@click.pass_obj
def join(session: Session, file: Path, hub_words: str | None) -> Exit:
    """Join the common card by the invitation in FILE (- for standard input).

    Shows the hub's key in words, to compare by telephone before anything is sent. Start `karnet serve` again
    afterwards: it then runs the relay, too.
    """
    from karnet.federation.membership.fingerprints import key_words, same_words
    from karnet.federation.membership.invitation import BadInvitation, Invitation

    text = sys.stdin.read() if str(file) == "-" else file.read_text()
    try:
        invitation = Invitation.parse(text)
    except BadInvitation as error:
        raise click.BadParameter(str(error), param_hint="FILE") from error
    words = key_words(invitation.vkey)
    if hub_words is not None and not same_words(hub_words, words):
        raise InstallationProblem(
            "other-key",
            f"The invitation's key is not the one you heard: it says {words}.",
            "Somebody may have changed the invitation on its way. Ask the hub's people, and send nothing.",
        )
    if hub_words is None:
        click.echo(f"The key of {invitation.hub} in words:\n    {words}", err=True)
        click.confirm("Did the hub's people read you these words?", abort=True, err=True)
    with session.database() as installation:
        _join(session, installation, invitation)
        from karnet.wiring.log_keys import verifier_key

        own = key_words(verifier_key(installation).format())
    session.answer(
        {"hub": invitation.hub, "member": installation.name, "words": own},
        f"{installation.name} takes part in the common card of {invitation.hub}.\n"
        f"Its key in words:  {own}\n"
        "Read them to the hub's people: `karnet federation status` shows them what they hold.\n"
        "Start `karnet serve` again: it then runs the relay, too.",
    )
    return Exit.OK


def _join(session: Session, installation: Installation, invitation: Invitation) -> None:
    from karnet.federation import peers, selectors, services
    from karnet.federation.requests import JoinHub, MemberAnswer
    from karnet.federation.rules import server_of
    from karnet.wiring.log_keys import signing_key

    if invitation.member != installation.name:
        raise InstallationProblem(
            "not-invited",
            f"The invitation is for {invitation.member}; this server is {installation.name}.",
            "Ask the hub to invite this server by its own name.",
        )
    if selectors.hub() not in (None, invitation.hub):
        raise InstallationProblem(
            "other-hub", f"This server takes part in the card of {selectors.hub()}.", "A server joins one hub."
        )
    cosigner = cosigner_key(installation).verifier.format()
    joined = _asked(session, invitation, signing_key(installation), cosigner)
    link = HubLink(
        hub=invitation.hub,
        addresses=invitation.addresses,
        certificate=invitation.certificate,
        token=joined.token,
    )
    save_hub_link(installation, link)
    if selectors.hub() is None:
        answer = services.join_hub(
            JoinHub(
                key=f"join-hub:{invitation.hub}",
                at=clock.now(),
                actor=server_of(installation.name),
                log=invitation.hub,
                vkey=invitation.vkey,
                cosigner=joined.cosigner,
                above=invitation.above,
                ends=invitation.ends,
                earlier=invitation.earlier,
            )
        )
        if not isinstance(answer, MemberAnswer):
            raise InstallationProblem("not-joined", f"The log refused it: {answer.reason}.", "Run `karnet init` first.")
    peers.follow_members(clock.now())
    installation.take_role("member")


def _asked(session: Session, invitation: Invitation, key: object, cosigner: str) -> Joined:
    from karnet.federation.http.client import HubClient, Unanswered
    from karnet.federation.http.joining import Joined, asking
    from karnet.journal.tlog.note import SigningKey

    assert isinstance(key, SigningKey)
    request = asking(invitation.token, invitation.hub, key, cosigner)
    client, tried = HubClient(invitation.certificate), []
    for address in invitation.addresses:
        session.say(f"asking {address}")
        try:
            answer = client.join(address, request, _JOIN_TIMEOUT_MS)
        except Unanswered as error:
            tried.append(str(error))
            continue
        if isinstance(answer, Joined):
            return answer
        raise InstallationProblem(
            "not-admitted", f"The hub does not admit this server: {answer.detail} ({answer.code}).", "Ask the hub."
        )
    raise InstallationProblem(
        "hub-unreachable",
        "No address of the hub answers:\n" + "\n".join(tried),
        "Check that the hub runs (`karnet serve`), and that this machine reaches it; then run this again.",
    )


def only_the_hub(installation: Installation) -> None:
    """Raise InstallationProblem unless this is the hub."""
    if installation.config.federation.role != "hub":
        raise InstallationProblem(
            "not-the-hub", f"{installation.path} is no hub.", "Run this at the hub, or make one with `karnet hub init`."
        )


command.add_command(simulate)

from karnet.wiring.cli import federation_keys, federation_recover, federation_watch  # noqa: E402, F401 (add their commands)
