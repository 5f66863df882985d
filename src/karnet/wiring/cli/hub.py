"""`karnet hub …`: making this server the hub of a common card."""

from __future__ import annotations

from urllib.parse import urlsplit

import click

from karnet.federation.membership.fingerprints import grouped, key_words
from karnet.federation.membership.invitation import BadInvitation, check_address
from karnet.wiring import clock
from karnet.wiring.card_keys import cosigner_key, ensure_certificate
from karnet.wiring.cli.exits import Exit
from karnet.wiring.cli.frame import Session, karnet_group
from karnet.wiring.log_keys import verifier_key


@karnet_group(
    examples="""
    karnet hub init --address https://hub.tatry.example:8443
    """
)
def command() -> None:
    """The hub of a common card: the server through which the others exchange what they sealed."""


@command.command(
    "init",
    examples="""
    karnet hub init --address https://hub.tatry.example:8443
    karnet hub init --address https://10.0.0.5:8443 --address https://10.0.0.5:8444 --listen 10.0.0.5:8443 --listen 10.0.0.5:8444
    """,
)
@click.option("--address", "addresses", multiple=True, required=True, metavar="URL", help="What members call a node.")
@click.option(
    "--listen",
    multiple=True,
    default=("0.0.0.0:8443",),
    show_default=True,
    metavar="HOST:PORT",
    help="Where a node of this installation listens; again for more nodes.",
)
@click.pass_obj
def init(session: Session, addresses: tuple[str, ...], listen: tuple[str, ...]) -> Exit:
    """Make this server the hub: its nodes' certificate, its second key, and the first fact of the federation.

    Safe to repeat. Start `karnet serve` again afterwards: it then runs the nodes and the relay, too.
    """
    for address in addresses:
        try:
            check_address(address)
        except BadInvitation as error:
            raise click.BadParameter(str(error), param_hint="--address") from error
    session.installation().take_role("hub", listen=listen, addresses=addresses)
    with session.database() as installation:
        from karnet.federation import selectors, services
        from karnet.federation.requests import OpenHub
        from karnet.kernel.outcomes import Refused
        from karnet.wiring.cli.token import tell_refusal

        at = clock.now()
        hosts = [urlsplit(address).hostname or "" for address in addresses]
        certificate = ensure_certificate(installation, hosts, at)
        key, cosigner = verifier_key(installation), cosigner_key(installation).verifier
        if selectors.hub() != installation.name:
            from karnet.federation.rules import server_of

            opened = services.open_hub(
                OpenHub(
                    key=f"open-hub:{installation.name}",
                    at=at,
                    actor=server_of(installation.name),
                    log=installation.name,
                    vkey=key.format(),
                    cosigner=cosigner.format(),
                )
            )
            if isinstance(opened, Refused):
                return tell_refusal(session, opened)
    words = key_words(key.format())
    session.answer(
        {"hub": installation.name, "words": words, "certificate": certificate, "addresses": addresses},
        f"{installation.name} is the hub of a common card.\n"
        f"Its key in words:  {words}\n"
        f"Its certificate:   {grouped(certificate)}\n"
        f"Start `karnet serve` again, then invite members: `karnet federation invite NAME`.",
    )
    return Exit.OK
