"""`karnet webhook …`: who is told of what happens, over HTTP. Tokens with webhooks:write may subscribe by themselves."""

from __future__ import annotations

from uuid import UUID

import click

from karnet.wiring import clock
from karnet.wiring.cli.exits import Exit
from karnet.wiring.cli.frame import Session, karnet_group
from karnet.wiring.cli.token import tell_refusal


@karnet_group(
    examples="""
    karnet webhook add https://example.org/karnet --event sale.made --event passage.taken
    karnet webhook list
    """
)
def command() -> None:
    """Webhooks: signed messages about sales, passages, blocks, closings (docs/api.md)."""


@command.command(
    "add",
    examples="""
    karnet webhook add https://example.org/karnet --event sale.made
    karnet webhook add https://example.org/karnet --event passage.taken --facility kopa
    """,
)
@click.argument("url")
@click.option("--event", "events", metavar="EVENT", multiple=True, required=True, help="What to tell; again for more.")
@click.option("--facility", metavar="CODE", help="Of this facility only; of all without.")
@click.pass_obj
def add(session: Session, url: str, events: tuple[str, ...], facility: str | None) -> Exit:
    """Tell URL of events from now on, and print the secret that signs the messages: it is shown once."""
    with session.database():
        from karnet.faces.api.webhooks.subscriptions import subscribe
        from karnet.kernel.outcomes import Refused
        from karnet.parties.operations import facility_id
        from karnet.parties.selectors import facilities

        home = facility_id(facility) if facility else None
        if home is not None and home not in facilities([home]):
            raise click.BadParameter(f"there is no facility {facility}", param_hint="--facility")
        made = subscribe(url, events, clock.business_now(), facility=home)
    if isinstance(made, Refused):
        return tell_refusal(session, made)
    session.say(f"webhook {made.subscription.id}. Keep its secret: it is shown once.")
    session.answer(made, made.secret)
    return Exit.OK


@command.command(
    "list",
    examples="""
    karnet webhook list
    """,
)
@click.pass_obj
def list_(session: Session) -> None:
    """List who is told of what, and how many messages wait or were given up."""
    with session.database():
        from karnet.faces.api.webhooks.sending import backlog
        from karnet.faces.api.webhooks.subscriptions import subscriptions

        found, waiting = subscriptions(), backlog()
    lines = []
    for one in found:
        counts = waiting.get(one.id, {})
        lines.append(
            f"{one.id}  {one.url}  {' '.join(one.events)}"
            f"  waiting {counts.get('waiting', 0)}, given up {counts.get('dead', 0)}"
        )
    answer = [{"subscription": one, "messages": waiting.get(one.id, {})} for one in found]
    session.answer(answer, "\n".join(lines) or "No webhooks yet. Add one with `karnet webhook add`.")


@command.command(
    "remove",
    examples="""
    karnet webhook remove 0190c8a2-7e1b-7000-8000-000000000001
    """,
)
@click.argument("id_", metavar="ID", type=click.UUID)
@click.pass_obj
def remove(session: Session, id_: UUID) -> Exit:
    """Tell the webhook with this ID no more."""
    with session.database():
        from karnet.faces.api.webhooks.subscriptions import end

        ended = end(id_, clock.business_now())
    if not ended:
        raise click.UsageError(f"There is no webhook {id_}. See `karnet webhook list`.")
    session.answer({"id": id_, "ended": True}, f"{id_} is told no more.")
    return Exit.OK


@command.command(
    "retry",
    examples="""
    karnet webhook retry 0190c8a2-7e1b-7000-8000-000000000001
    """,
)
@click.argument("id_", metavar="ID", type=click.UUID)
@click.pass_obj
def retry(session: Session, id_: UUID) -> Exit:
    """Send again what was given up, under the old message ids."""
    with session.database():
        from karnet.faces.api.webhooks.sending import again

        messages = again(id_)
    session.answer({"id": id_, "messages": messages}, f"{messages} messages will be sent again.")
    return Exit.OK
