"""`karnet settlement agreement …`: settlement prices, points and weights that no facility can change alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import click

from karnet.wiring.cli.exits import Exit
from karnet.wiring.cli.frame import Session, karnet_group
from karnet.wiring.cli.settling import SEASON, agreement_asked, show_sheets, tell_refusal

if TYPE_CHECKING:
    from karnet.kernel.outcomes import Refused
    from karnet.settlement.rules.agreements import TextFact


@karnet_group(
    name="agreement",
    examples="""
    karnet settlement agreement publish winter.json              one server runs all members
    karnet settlement agreement propose winter.json              else: propose, and let every member sign
    karnet settlement agreement sign 5f1c0e… --as NORTH/maria
    karnet settlement agreement diff 5f1c0e…
    """,
)
def agreement() -> None:
    """Agreements: settlement prices, points and weights that no facility can change alone."""


@agreement.command(
    "publish",
    examples="""
    karnet settlement agreement publish winter.json
    karnet settlement agreement show --json | jq '.season = "2027/28"' | karnet settlement agreement publish -
    """,
)
@click.argument("file", type=click.File("rb"))
@click.pass_obj
def publish(session: Session, file: Any) -> Exit:
    """Put the agreement in FILE (JSON; - for standard input) into force. An agreement cannot be changed afterwards."""
    text = _text(file)
    with session.database():
        from karnet.kernel.outcomes import Refused
        from karnet.parties.selectors import home_server
        from karnet.settlement.services import PublishAgreement, publish_agreements
        from karnet.wiring.clock import now

        key = f"agreement {uuid4()}"
        (answer,) = publish_agreements([PublishAgreement(key=key, at=now(), actor=home_server(), text=text)])
    if isinstance(answer, Refused):
        return tell_refusal(session, answer)
    session.answer(
        answer,
        f"In force from {answer.valid_from:%Y-%m-%d %H:%M} to {answer.valid_until:%Y-%m-%d %H:%M} UTC.\n"
        f"Its text has the SHA-256 {answer.sha256}.",
    )
    return Exit.OK


@agreement.command(
    "show",
    examples="""
    karnet settlement agreement show
    karnet settlement agreement show --json > winter.json
    """,
)
@SEASON
@click.pass_obj
def show_agreement(session: Session, season: str | None) -> Exit:
    """Show an agreement: prices, points and weights. With --json, as a file that can be published again."""
    with session.database():
        from karnet.kernel.outcomes import Refused
        from karnet.settlement.rendering import agreement_sheets
        from karnet.settlement.selectors import agreement_draft

        row = agreement_asked(season)
        if isinstance(row, Refused):
            return tell_refusal(session, row)
        draft = agreement_draft(row)
        show_sheets(session, draft, agreement_sheets(draft, row.sha256))
    return Exit.OK


@agreement.command(
    "propose",
    examples="""
    karnet settlement agreement propose winter.json --as NORTH/maria
    """,
)
@click.argument("file", type=click.File("rb"))
@click.option("--as", "operator", metavar="FACILITY/CODE", help="Who proposes it (default: this server).")
@click.pass_obj
def propose(session: Session, file: Any, operator: str | None) -> Exit:
    """Propose the text in FILE to its members. It is in force when a manager of every member has signed it."""
    text = _text(file)
    with session.database():
        from karnet.kernel.outcomes import Refused
        from karnet.parties.selectors import home_server
        from karnet.settlement.services import ProposeAgreement, propose_agreements
        from karnet.wiring.clock import now

        actor = _operator(operator) if operator else home_server()
        request = ProposeAgreement(key=f"agreement {uuid4()}", at=now(), actor=actor, text=text)
        (answer,) = propose_agreements([request])
    if isinstance(answer, Refused):
        return tell_refusal(session, answer)
    session.answer(
        answer,
        f"Proposed. The text has the SHA-256 {answer.sha256}.\nIn force when {len(answer.members)} members have signed it:"
        f" karnet settlement agreement sign {answer.sha256[:12]} --as FACILITY/CODE",
    )
    return Exit.OK


@agreement.command(
    "sign",
    examples="""
    karnet settlement agreement sign 5f1c0e9a77b2 --as NORTH/maria
    """,
)
@click.argument("sha256")
@click.option("--as", "operator", required=True, metavar="FACILITY/CODE", help="The member's manager.")
@click.pass_obj
def sign(session: Session, sha256: str, operator: str) -> Exit:
    """Sign the text whose SHA-256 begins with SHA256 for the operator's facility. Read it first: show --text."""
    with session.database():
        from karnet.kernel.outcomes import Refused
        from karnet.parties.operations import facility_id
        from karnet.settlement.services import SignAgreement, sign_agreements
        from karnet.wiring.clock import now

        found = _found(sha256)
        if isinstance(found, Refused):
            return tell_refusal(session, found)
        request = SignAgreement(
            key=f"signature {uuid4()}",
            at=now(),
            actor=_operator(operator),
            agreement=found.id,
            facility=facility_id(operator.partition("/")[0]),
            sha256=found.sha256,
        )
        (answer,) = sign_agreements([request])
    if isinstance(answer, Refused):
        return tell_refusal(session, answer)
    left = f"Awaited: {', '.join(answer.missing)}." if answer.missing else "All members have signed: it is in force."
    session.answer(answer, f"Signed. {left}")
    return Exit.OK


@agreement.command(
    "list",
    examples="""
    karnet settlement agreement list
    """,
)
@click.pass_obj
def list_(session: Session) -> Exit:
    """List every text, with who has signed it and who has not."""
    with session.database():
        from karnet.settlement.rendering_terms import texts_sheet
        from karnet.settlement.rules.agreements import in_force
        from karnet.settlement.selectors import agreement_texts, places

        texts = agreement_texts()
        codes = {place.facility: place.code for place in places()}
        sheet = texts_sheet(texts, {one.fact.id for one in in_force(texts)}, codes)
        value = [
            {
                "id": text.id, "sha256": text.sha256, "season": text.text.season, "published": text.published,
                "signed": {codes.get(member, str(member)): at for member, at in text.signed.items()},
                "missing": [codes.get(member, str(member)) for member in text.missing],
            }
            for text in texts
        ]  # fmt: skip
        show_sheets(session, value, [sheet])
    return Exit.OK


@agreement.command(
    "diff",
    examples="""
    karnet settlement agreement diff 5f1c0e9a77b2              against the one in force
    karnet settlement agreement diff 5f1c0e9a77b2 --from 88aa  against another text
    """,
)
@click.argument("sha256")
@click.option("--from", "old", metavar="SHA256", help="The text to compare with (default: the one in force).")
@click.pass_obj
def diff(session: Session, sha256: str, old: str | None) -> Exit:
    """Show what a text changes, from what to what."""
    with session.database():
        from karnet.kernel.outcomes import Refused
        from karnet.settlement.rendering_terms import differences_sheet
        from karnet.settlement.rules.comparing import differences
        from karnet.settlement.selectors import agreement_draft

        new = _found(sha256)
        before = _found(old) if old else agreement_asked(None)
        if isinstance(new, Refused) or isinstance(before, Refused):
            return tell_refusal(session, new if isinstance(new, Refused) else before)  # type: ignore[arg-type]
        found = differences(agreement_draft(before), agreement_draft(new))
        show_sheets(session, found, [differences_sheet(found, before.sha256, new.sha256)])
    return Exit.OK


@agreement.command(
    "weights",
    examples="""
    karnet settlement agreement weights --product day A=16 B=8 C=8
    """,
)
@click.argument("passages", nargs=-1, required=True, metavar="FACILITY=PASSAGES…")
@click.option("--product", required=True, metavar="CODE", help="The ticket whose prices are compared.")
@click.option("--category", default="adult", show_default=True)
@click.option("--base", metavar="FACILITY", help="Who weighs 1.00 (default: where a passage is cheapest).")
@click.pass_obj
def weights(session: Session, passages: tuple[str, ...], product: str, category: str, base: str | None) -> Exit:
    """Work out weights from the price lists on sale now: price over the passages such a ticket usually makes."""
    with session.database():
        from karnet.settlement.rendering_terms import weights_sheet
        from karnet.settlement.rules.weighing import Basis, weigh
        from karnet.settlement.selectors import list_prices
        from karnet.wiring.clock import now

        many = _passages(passages)
        prices = list_prices(product, category, now())
        for code in many:
            if code not in prices:
                raise click.BadParameter(f"{code} sells no {product} {category} now", param_hint="FACILITY=PASSAGES")
        bases = [Basis(facility=code, price=prices[code], passages=count) for code, count in many.items()]
        try:
            found = weigh(bases, base)
        except ValueError as error:
            raise click.BadParameter(str(error), param_hint="FACILITY=PASSAGES") from None
        show_sheets(session, found, [weights_sheet(found)])
    return Exit.OK


def _passages(texts: tuple[str, ...]) -> dict[str, int]:
    found = {}
    for text in texts:
        code, _, count = text.partition("=")
        if not count.isdecimal():
            raise click.BadParameter(f"{text!r}: write FACILITY=16", param_hint="FACILITY=PASSAGES")
        found[code] = int(count)
    return found


def _text(file: Any) -> str:
    try:
        return str(file.read().decode())
    except UnicodeDecodeError:
        raise click.BadParameter("the file is no UTF-8 text", param_hint="FILE") from None


def _operator(text: str) -> Any:
    from karnet.parties.operations import facility_id, operator_id

    facility, _, code = text.partition("/")
    if not code:
        raise click.BadParameter("write FACILITY/CODE, such as NORTH/maria", param_hint="--as")
    return operator_id(facility_id(facility), code)


def _found(sha256: str) -> TextFact | Refused:
    """Return the one text whose SHA-256 begins with these digits."""
    from karnet.kernel.outcomes import refused
    from karnet.kernel.reasons import Reason
    from karnet.settlement.selectors import agreement_texts

    found = [text for text in agreement_texts() if text.sha256.startswith(sha256.lower())]
    return found[0] if len(found) == 1 and sha256 else refused(Reason.NO_AGREEMENT)
