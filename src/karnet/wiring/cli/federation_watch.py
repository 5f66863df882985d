"""`karnet federation status | release | suspend | reinstate`: watching the common card and acting on what is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
import msgspec

from karnet.wiring import clock
from karnet.wiring.cli.exits import Exit
from karnet.wiring.cli.federation import command, only_the_hub
from karnet.wiring.cli.frame import Session
from karnet.wiring.problem import InstallationProblem

if TYPE_CHECKING:
    from karnet.federation.matters import Matters
    from karnet.federation.status import Status

_MOST = 20
"""How many conflicts, refusals and unpaid refunds are listed, of each."""


@command.command(
    "status",
    examples="""
    karnet federation status
    karnet federation status --json | jq '.alarms'
    """,
)
@click.pass_obj
def status(session: Session) -> Exit:
    """Show every log: held, applied, who vouches for it, how far behind; the links; what is wrong and what to do; what
    stands between partners: conflicts, acts that were refused, refunds still to be paid out, each with its cause.

    Ends with 1 if something needs people.
    """
    with session.database():
        from karnet.federation.matters import matters
        from karnet.federation.status import status as look

        found, between = look(clock.now()), matters(_MOST)
    if found.hub is None:
        raise InstallationProblem(
            "no-common-card",
            f"{found.name} takes part in no common card.",
            "Ask a hub for an invitation and run `karnet federation join`, or make a hub with `karnet hub init`.",
        )
    told = msgspec.to_builtins(found) | {"between": msgspec.to_builtins(between)}
    session.answer(told, "\n".join([_in_words(found), *_between(between)]))
    return Exit.OK if found.sound else Exit.REFUSED


@command.command(
    "release",
    examples="""
    karnet federation release jawor.example/log
    """,
)
@click.argument("name")
@click.pass_obj
def release(session: Session, name: str) -> Exit:
    """Try again to apply the log NAME, which is in quarantine here. Evidence about it is settled; it stays on record."""
    with session.database():
        from karnet.federation.peers import settle_evidence
        from karnet.journal import arrivals

        at = clock.now()
        try:
            released = arrivals.release(name, at)
        except arrivals.UnknownLog as error:
            raise click.BadParameter(str(error), param_hint="NAME") from error
        settle_evidence(name, at)
    session.answer(
        {"log": name, "released": released},
        f"{name} is applied again as far as it can be." if released else f"{name} is in no quarantine here.",
    )
    return Exit.OK if released else Exit.REFUSED


@command.command(
    "suspend",
    examples="""
    karnet federation suspend jawor.example/log                 from what the hub holds now on
    karnet federation suspend jawor.example/log --from 120000   from that entry on
    """,
)
@click.argument("name")
@click.option("--from", "good", type=click.IntRange(0), metavar="INDEX", help="The first entry that does not count.")
@click.pass_obj
def suspend(session: Session, name: str, good: int | None) -> Exit:
    """Suspend the member NAME: its entries from an index on are kept, not applied, at every server. At the hub."""
    with session.database() as installation:
        from karnet.federation import peers, selectors, services
        from karnet.federation.requests import Suspend
        from karnet.federation.rules import server_of
        from karnet.kernel.outcomes import Refused
        from karnet.wiring.cli.token import tell_refusal

        only_the_hub(installation)
        at, held = clock.now(), selectors.held(name)
        answer = services.suspend(
            Suspend(
                key=f"suspend:{name}:{at.isoformat()}",
                at=at,
                actor=server_of(installation.name),
                log=name,
                good=held if good is None else good,
                held=held,
            )
        )
        if isinstance(answer, Refused):
            return tell_refusal(session, answer)
        peers.follow_members(at)
    first = held if good is None else good
    session.answer({"log": name, "good": first}, f"{name} is suspended from its entry {first} on.")
    return Exit.OK


@command.command(
    "reinstate",
    examples="""
    karnet federation reinstate jawor.example/log
    """,
)
@click.argument("name")
@click.pass_obj
def reinstate(session: Session, name: str) -> Exit:
    """Let the suspended member NAME take part again, with all it has sent meanwhile. At the hub."""
    with session.database() as installation:
        from karnet.federation import peers, services
        from karnet.federation.requests import Reinstate
        from karnet.federation.rules import server_of
        from karnet.kernel.outcomes import Refused
        from karnet.wiring.cli.token import tell_refusal

        only_the_hub(installation)
        at = clock.now()
        answer = services.reinstate(
            Reinstate(key=f"reinstate:{name}:{at.isoformat()}", at=at, actor=server_of(installation.name), log=name)
        )
        if isinstance(answer, Refused):
            return tell_refusal(session, answer)
        peers.follow_members(at)
    session.answer({"log": name}, f"{name} takes part again.")
    return Exit.OK


@command.command(
    "pull",
    examples="""
    karnet federation pull
    """,
)
@click.pass_obj
def pull(session: Session) -> Exit:
    """Pull the whole common record from the hub now, verify it, and name its cut. The relay does so once a day.

    The copy is in archive/, one directory of static files a log: `karnet journal verify --from` reads it. Ends with 4
    if anything is not what was signed.
    """
    with session.database() as installation:
        from karnet.wiring.archive import pull_archive

        pulled = pull_archive(installation, clock.now, session.say)
    cut = ", ".join(f"{log} {size:,}" for log, size in pulled.cut.items())
    session.answer(pulled, f"The cut: {cut}\n{'Verified: sound.' if pulled.sound else pulled.what}")
    return Exit.OK if pulled.sound else Exit.TAMPERED


def _in_words(found: Status) -> str:
    rows = [("LOG", "HELD", "APPLIED", "BEHIND", "TOOK p50/p99", "STATE", "VOUCHED FOR BY")]
    for log in found.logs:
        name = f"{log.log}{' (hub)' if log.is_hub else ''}{' (here)' if log.home else ''}"
        vouched = ", ".join(f"{one.by} {one.size}" for one in log.vouched if one.by != log.log)
        state = f"{log.state}: {log.detail}" if log.detail else log.state
        took = f"{log.delay.p50_ms / 1000:.2f}/{log.delay.p99_ms / 1000:.2f} s" if log.delay else "-"
        rows.append((name, f"{log.held}", f"{log.applied}", f"{log.behind_s} s", took, state, vouched))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    lines.append("")
    for peer in found.peers:
        since = f"{peer.down_since:%Y-%m-%d %H:%M:%S} UTC" if peer.down_since else "never heard"
        lines.append(f"link to {peer.log}: up" if peer.up else f"link to {peer.log}: down since {since}. {peer.error}")
    if found.archive is not None:
        sound = "sound" if found.archive.sound else f"NOT SOUND: {found.archive.what}"
        lines.append(f"last archive pull: {found.archive.at:%Y-%m-%d %H:%M} UTC, {sound}")
    lines += [f"{log.log} in words: {log.words}" for log in found.logs]
    for alarm in found.alarms:
        lines += ["", f"! {alarm.what}", f"→ {alarm.do}"]
    return "\n".join(lines)


def _between(found: Matters) -> list[str]:
    """Return what stands between partners, a line each."""
    from karnet.federation.matters import CLASHES
    from karnet.kernel.decimals import money
    from karnet.kernel.outcomes import Refused
    from karnet.kernel.reason_words import words
    from karnet.kernel.reasons import Reason

    def because(reason: str) -> str:
        known = reason in set(Reason)
        return words(Refused(Reason(reason)), "en", "UTC") if known else reason

    lines = []
    for clash in found.conflicts:
        much = (
            f"{money(clash.amount, clash.unit)} {clash.unit}"
            if len(clash.unit) == 3
            else f"{clash.amount} {clash.unit}"
        )
        what = CLASHES.get(clash.kind, clash.kind).format(amount=much)
        why = f" ({because(clash.reason)})" if clash.reason else ""
        lines.append(f"{clash.at:%Y-%m-%d %H:%M} {clash.number}: {what}{why} [{', '.join(clash.where)}]")
    lines = ["", "Conflicts, to be borne as the agreement says:", *lines] if lines else []
    if found.refused:
        lines += ["", "Refused between partners:"]
    for act in found.refused:
        since = ", done since" if act.done else ""
        lines.append(
            f"{act.at:%Y-%m-%d %H:%M} {act.act} {act.number} at {act.asked_at}, asked of {act.asked_of}{since}: "
            f"{because(act.reason)}"
        )
    if found.unpaid:
        lines += ["", "Let be paid out, not paid yet:"]
    for one in found.unpaid:
        amount = f"{money(one.amount, one.currency)} {one.currency}"
        lines.append(f"{one.at:%Y-%m-%d %H:%M} {one.number} of {one.seller}: {amount}, by {one.payer}")
    return lines
