"""Changing rooms: sections of lockers, bands at their readers, staff."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from karnet.capacity.operations import unit_id
from karnet.lockers import requests, selectors, services
from karnet.lockers.operations import Spot, section_id
from karnet.stays.changing import touch_lockers
from karnet.wiring.play import steps_lockers as steps
from karnet.wiring.play.asking import ask
from karnet.wiring.play.reading import Line
from karnet.wiring.play.stage import Answer, Fields, Stage, facility_of


def furnish(stage: Stage, lines: Sequence[Line]) -> list[Answer]:
    """Set sections of lockers."""

    def request(line: Line) -> requests.Furnish:
        step = line.step
        assert isinstance(step, steps.FurnishLockers)
        return requests.Furnish(
            key=line.key,
            at=step.at,
            actor=stage.server,
            facility=stage.facility(step.facility),
            sections=tuple(_section(stage, section) for section in step.sections),
        )

    return ask(lines, request, services.furnish, lambda line, ready: {"added": ready.added})


def _section(stage: Stage, given: steps.Section) -> requests.Section:
    grid = given.grid
    return requests.Section(
        code=given.code,
        lockers=tuple(
            Spot(number=one.number, aisle=one.aisle, position=one.position, row=one.row, band=one.band, hook=one.hook)
            for one in given.lockers
        ),
        grid=None
        if grid is None
        else requests.Grid(aisles=grid.aisles, positions=grid.positions, rows=grid.rows, first=grid.first),
        readers=tuple(stage.gate(reader) for reader in given.readers),
        mode=given.mode,
        exit_waits=given.exit_waits,
    )


def touch(stage: Stage, lines: Sequence[Line]) -> list[Answer]:
    """Hold bands to readers of sections."""

    def request(line: Line) -> requests.Touch:
        step = line.step
        assert isinstance(step, steps.TouchLocker)
        reader = stage.gate(step.reader)
        return requests.Touch(
            key=line.key, at=step.at, actor=reader, reader=reader, chip=step.card, give_up=step.give_up
        )

    def fields(line: Line, told: Any) -> Fields:
        if isinstance(told, requests.LockerGivenUp):
            return {"section": told.section, "locker": told.number, "given_up": True}
        where: Fields = {"section": told.section, "locker": told.number, "aisle": told.aisle, "position": told.position}
        why: Fields = {"row": told.row, "new": told.new, "near": told.near, "together": told.together}
        return where | why

    service: Callable[[Sequence[requests.Touch]], list[Any]] = touch_lockers
    return ask(lines, request, service, fields)


def keep(stage: Stage, lines: Sequence[Line]) -> list[Answer]:
    """Let staff open, block, unblock and free lockers."""
    return [answer for line in lines for answer in _keep(stage, line)]


def _keep(stage: Stage, line: Line) -> list[Answer]:
    step = line.step
    assert isinstance(step, steps.KeepLocker)
    section = section_id(stage.facility(facility_of(step.operator)), step.section)
    given: dict[str, Any] = {
        "key": line.key, "at": step.at, "actor": stage.operator(step.operator), "locker": unit_id(section, step.locker),
    }  # fmt: skip
    reason: Any = step.reason

    def fields(line: Line, now: requests.LockerNow) -> Fields:
        return {"locker": now.number, "blocked": now.blocked, "taken": now.medium is not None}

    match step.action:
        case "open":
            return ask([line], lambda _: requests.OpenLocker(reason=reason, **given), services.open_lockers, fields)
        case "block":
            return ask([line], lambda _: requests.BlockLocker(reason=reason, **given), services.block_lockers, fields)
        case "unblock":
            return ask([line], lambda _: requests.UnblockLocker(**given), services.unblock_lockers, fields)
        case "free":
            return ask([line], lambda _: requests.FreeLocker(**given), services.free_lockers, fields)


def lockers(stage: Stage, lines: Sequence[Line]) -> list[Answer]:
    """Tell how many lockers of each section are free, taken and blocked."""
    told: list[Answer] = []
    for line in lines:
        assert isinstance(line.step, steps.Lockers)
        found = selectors.sections(stage.facility(line.step.facility))
        told.append(
            {
                "sections": {
                    one.section.code: {"free": one.free, "taken": one.taken, "blocked": one.blocked} for one in found
                }
            }
        )
    return told
