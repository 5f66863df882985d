"""`karnet loyalty …`: rules that reward use and top-ups."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import uuid4

import click
import msgspec

from karnet.wiring.cli.exits import Exit
from karnet.wiring.cli.frame import Session, karnet_group
from karnet.wiring.cli.settling import tell_refusal


class RuleText(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rule as people write it: amounts of money as text in the facility's currency, passages as a number."""

    code: str
    event: str
    threshold: int | str
    bonus: str = ""
    discount: str = ""
    products: tuple[str, ...] = ()
    valid_days: int = 0
    window_days: int = 0
    at_most: int = 0
    facilities: tuple[str, ...] = ()


class RulesText(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file of rules: whose they are, and from which to which day they hold."""

    facility: str
    first_day: date
    last_day: date
    rules: tuple[RuleText, ...]


@karnet_group(
    examples="""
    karnet loyalty publish winter-rewards.json
    karnet loyalty list
    """
)
def command() -> None:
    """Rewards for use and top-ups: bonus money, discounts, free entries. The worker gives them; nobody can twice."""


@command.command(
    "publish",
    examples="""
    karnet loyalty publish winter-rewards.json
    """,
)
@click.argument("file", type=click.File("rb"))
@click.pass_obj
def publish(session: Session, file: Any) -> Exit:
    """Publish the rules in FILE (JSON: facility, first_day, last_day, rules; see docs/settlement.md)."""
    try:
        text = msgspec.json.decode(file.read(), type=RulesText)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise click.BadParameter(str(error), param_hint="FILE") from None
    with session.database():
        from karnet.kernel.outcomes import Refused
        from karnet.kernel.time import day_end, day_start
        from karnet.loyalty.services import PublishRules, publish_rules
        from karnet.parties.selectors import all_facilities, home_server
        from karnet.wiring.clock import now

        facility = next((one for one in all_facilities() if one.code == text.facility), None)
        if facility is None:
            raise click.BadParameter(f"no facility has the code {text.facility!r}", param_hint="FILE")
        request = PublishRules(
            key=f"loyalty {uuid4()}",
            at=now(),
            actor=home_server(),
            facility=facility.id,
            valid_from=day_start(text.first_day, facility.time_zone),
            valid_until=day_end(text.last_day, facility.time_zone),
            rules=tuple(_draft(rule, facility.currency) for rule in text.rules),
        )
        (answer,) = publish_rules([request])
    if isinstance(answer, Refused):
        return tell_refusal(session, answer)
    session.answer(answer, "\n".join(f"{code}  {id_}" for code, id_ in answer.rules.items()))
    return Exit.OK


def _draft(rule: RuleText, currency: str) -> Any:
    from karnet.kernel.decimals import BadDecimal, minor_units, scaled
    from karnet.loyalty.operations import Reward
    from karnet.loyalty.services import RuleDraft
    from karnet.parties.operations import facility_id

    try:
        money = isinstance(rule.threshold, str)
        threshold = minor_units(rule.threshold, currency) if isinstance(rule.threshold, str) else rule.threshold
        if rule.bonus:
            reward = Reward(kind="bonus", amount=minor_units(rule.bonus, currency))
        else:
            discount = scaled(rule.discount or "0", 2)
            reward = Reward(kind="discount", discount_bp=discount, products=rule.products, valid_days=rule.valid_days)
    except BadDecimal as error:
        raise click.BadParameter(f"{rule.code}: {error}", param_hint="FILE") from None
    if rule.event not in ("passages", "loaded", "charged") or money == (rule.event == "passages"):
        raise click.BadParameter(
            f'{rule.code}: count passages (a number), or loaded or charged money (text such as "100.00")',
            param_hint="FILE",
        )
    plain = {"code": rule.code, "event": rule.event, "threshold": threshold, "reward": reward}
    more = {
        "window_days": rule.window_days,
        "at_most": rule.at_most,
        "facilities": tuple(facility_id(code) for code in rule.facilities),
    }
    return msgspec.convert({**plain, **more}, RuleDraft)


@command.command(
    "list",
    examples="""
    karnet loyalty list --json
    """,
)
@click.pass_obj
def list_(session: Session) -> Exit:
    """List the rules in force now."""
    with session.database():
        from karnet.loyalty.selectors import rules_at
        from karnet.parties.selectors import all_facilities
        from karnet.wiring.clock import now

        codes = {facility.id: facility.code for facility in all_facilities()}
        rules = rules_at(now(), list(codes))
        lines = [
            f"{codes[one.facility]}  {one.rule.code}: after {one.rule.threshold} {one.rule.event}, {one.rule.reward.kind}"
            for one in rules
        ]
        session.answer(rules, "\n".join(lines) or "No rule is in force.")
    return Exit.OK
