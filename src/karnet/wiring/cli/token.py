"""`karnet token …`: credentials of devices and partners for the API and for device pages. Shown once, kept as a hash."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import click
import msgspec

from karnet.wiring import clock
from karnet.wiring.cli.exits import Exit
from karnet.wiring.cli.frame import Session, karnet_group

if TYPE_CHECKING:
    from karnet.faces.api.tokens import NewToken, Principal
    from karnet.kernel.outcomes import Refused
    from karnet.wiring.installation import Installation


@karnet_group(
    examples="""
    karnet token create "lift 1" --gate kopa/chair
    karnet token create "Hotel Tatry" --sales-point polana/guest-house --operator polana/felicja --limit 200000
    karnet token list
    karnet token revoke 0190c8a2-…
    """
)
def command() -> None:
    """Tokens of devices and partners for the API (docs/api.md)."""


@command.command(
    "create",
    examples="""
    karnet token create "lift 1" --gate kopa/chair              a gate controller: scans and turns at this gate
    karnet token create "all gates" --facility kopa             a controller of every gate of a facility
    karnet token create Hotel --sales-point polana/guest-house --operator polana/felicja \\
        --product day --product points-30 --limit 200000        a partner till: two products, 2,000.00 a day
    karnet token create books --facility kopa --scope settlement:read --scope journal:read
    """,
)
@click.argument("name")
@click.option("--facility", metavar="CODE", help="Whose device or partner it is (follows from gate or sales point).")
@click.option("--gate", "gates", metavar="FACILITY/CODE", multiple=True, help="A gate it may use; again for more.")
@click.option("--sales-point", metavar="FACILITY/CODE", help="The sales point it sells at.")
@click.option("--operator", metavar="FACILITY/CODE", help="The operator whom its operations name.")
@click.option(
    "--scope", "scopes", metavar="SCOPE", multiple=True, help="What it may do; the usual where none is named."
)
@click.option("--product", "products", metavar="CODE", multiple=True, help="A product that may be sold there.")
@click.option(
    "--limit", metavar="MINOR", type=click.IntRange(min=0), help="What may be sold there a day, in minor units."
)
@click.option("--per-minute", type=click.IntRange(min=1, max=1_000_000), help="How many calls a minute it may make.")
@click.option("--days", type=click.IntRange(min=1, max=36_500), help="When it expires; never without.")
@click.pass_obj
def create(
    session: Session,
    name: str,
    facility: str | None,
    gates: tuple[str, ...],
    sales_point: str | None,
    operator: str | None,
    scopes: tuple[str, ...],
    products: tuple[str, ...],
    limit: int | None,
    per_minute: int | None,
    days: int | None,
) -> Exit:
    """Make a token called NAME and print it: nobody can show it again."""
    places = [_split(value, option) for option, value in _placed(gates, sales_point, operator)]
    facility = facility or next((code for code, _ in places), None)
    if any(code != facility for code, _ in places):
        raise click.UsageError("Gates, sales point and operator must be of one facility.")
    at = clock.business_now()
    with session.database():
        from karnet.access.operations import gate_id
        from karnet.faces.api.tokens import NewToken
        from karnet.faces.api.tokens import create as make
        from karnet.kernel.outcomes import Refused
        from karnet.parties.operations import facility_id, operator_id, sales_point_id

        home = facility_id(facility) if facility else None

        def party(written: str) -> tuple[UUID, str]:
            code, rest = written.split("/")
            return facility_id(code), rest

        new: NewToken = NewToken(
            name=name,
            kind="partner" if sales_point or (not gates and operator) else "device",
            scopes=scopes or None,
            facility=home,
            gates=tuple(gate_id(*party(gate)) for gate in gates) or None,
            sales_point=sales_point_id(*party(sales_point)) if sales_point else None,
            operator=operator_id(*party(operator)) if operator else None,
            products=products or None,
            limit_minor=limit,
            per_minute=per_minute,
            expires_at=at + timedelta(days=days) if days else None,
        )
        answer = make(new, at)
    if isinstance(answer, Refused):
        return tell_refusal(session, answer)
    session.say(
        f"token {answer.principal.id}: {', '.join(sorted(answer.principal.scopes))}. Keep it: it is shown once."
    )
    terms = {"products": new.products, "limit_minor": new.limit_minor}
    session.answer({**_shown(answer.principal), **terms, "token": answer.text}, answer.text)
    return Exit.OK


@command.command(
    "list",
    examples="""
    karnet token list
    karnet token list --json | jq -r '.[] | select(.ends_at == null) | .name'
    """,
)
@click.pass_obj
def list_(session: Session) -> None:
    """List the tokens: what each may do, since when, and when it was used last. Never the tokens themselves."""
    at = clock.business_now()
    with session.database():
        from karnet.faces.api.tokens import tokens

        found = tokens()
    rows = [
        (
            str(one.id),
            one.name,
            one.kind,
            f"{one.used_at:%Y-%m-%d %H:%M}Z" if one.used_at else "never",
            " ".join(sorted(one.scopes)),
            "" if one.alive(at) else "ended",
        )
        for one in found
    ]
    table = [("ID", "NAME", "KIND", "LAST USED", "SCOPES", ""), *rows]
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    lines = ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in table]
    session.answer(
        [_shown(one) for one in found],
        "\n".join(lines) if rows else "No tokens yet. Make one with `karnet token create`.",
    )


@command.command(
    "revoke",
    examples="""
    karnet token revoke 0190c8a2-7e1b-7000-8000-000000000001
    """,
)
@click.argument("id_", metavar="ID", type=click.UUID)
@click.pass_obj
def revoke(session: Session, id_: UUID) -> Exit:
    """Let the token with this ID be used no more, from now on."""
    with session.database() as installation:
        from karnet.faces.api.tokens import revoke as end

        ended = end(id_, _come_already(installation))
    if not ended:
        raise click.UsageError(f"There is no living token {id_}. See `karnet token list`.")
    session.answer({"id": id_, "ended": True}, f"{id_} opens nothing any more.")
    return Exit.OK


def _come_already(installation: Installation) -> datetime:
    """Return an instant that has come by the real clock and by a demonstration's, which the server may go by."""
    from karnet.wiring.demo.live import show_file

    real, show = clock.now(), show_file(installation)
    if not show.exists():
        return real
    return min(real, msgspec.json.decode(show.read_bytes(), type=clock.Show).at(real))


def _placed(gates: tuple[str, ...], sales_point: str | None, operator: str | None) -> list[tuple[str, str]]:
    placed = [("--gate", gate) for gate in gates]
    placed += [("--sales-point", sales_point)] if sales_point else []
    placed += [("--operator", operator)] if operator else []
    return placed


def _split(written: str, option: str) -> tuple[str, str]:
    facility, slash, code = written.partition("/")
    if not (facility and slash and code) or "/" in code:
        raise click.BadParameter("write FACILITY/CODE, such as kopa/chair", param_hint=option)
    return facility, code


def _shown(principal: Principal) -> dict[str, object]:
    return {name: getattr(principal, name) for name in principal.__struct_fields__}


def tell_refusal(session: Session, refusal: Refused) -> Exit:
    from karnet.kernel.reason_words import words

    if session.json:
        click.echo(msgspec.json.encode(refusal))
    else:
        click.echo(words(refusal, "en"), err=True)
        for field, problem in refusal.facts.items():
            if field != "field":
                click.echo(f"  {field}: {problem}", err=True)
    return Exit.REFUSED
