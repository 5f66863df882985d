"""Rules every operation keeps, checked over all that are registered."""

from __future__ import annotations

import typing
from collections.abc import Iterator

import msgspec
import pytest

from karnet.journal.operations import Operation, Part, kinds
from karnet.journal.projection import projected_parts

OURS = {key: struct for key, struct in kinds().items() if not key[0].startswith("test.")}


def _types(annotation: object, seen: set[object]) -> Iterator[object]:
    """Yield every type an annotation mentions, through containers, unions and structs."""
    if isinstance(annotation, typing.TypeAliasType if hasattr(typing, "TypeAliasType") else ()):
        annotation = annotation.__value__
    arguments = typing.get_args(annotation)
    if arguments:
        for argument in arguments:
            yield from _types(argument, seen)
        return
    if annotation in seen:
        return
    seen.add(annotation)
    yield annotation
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        for hint in typing.get_type_hints(annotation).values():
            if typing.get_origin(hint) is not typing.ClassVar:
                yield from _types(hint, seen)


@pytest.mark.parametrize("struct", OURS.values(), ids=lambda struct: struct.KIND)
def test_no_operation_carries_a_float(struct: type[Operation]) -> None:
    assert float not in set(_types(struct, set()))


@pytest.mark.parametrize("struct", OURS.values(), ids=lambda struct: struct.KIND)
def test_every_part_an_operation_carries_is_projected(struct: type[Operation]) -> None:
    carried = {t for t in _types(struct, set()) if isinstance(t, type) and issubclass(t, Part) and t is not struct}
    assert carried <= projected_parts(), f"nobody projects {carried - projected_parts()}"


@pytest.mark.parametrize("struct", OURS.values(), ids=lambda struct: struct.KIND)
def test_every_operation_leaves_a_trace_in_some_table(struct: type[Operation]) -> None:
    carried = {t for t in _types(struct, set()) if isinstance(t, type) and issubclass(t, Part)}
    assert carried & projected_parts()


@pytest.mark.parametrize("struct", OURS.values(), ids=lambda struct: struct.KIND)
def test_kinds_are_named_slice_dot_fact(struct: type[Operation]) -> None:
    slice_name, _, fact = struct.KIND.partition(".")
    assert struct.__module__ == f"karnet.{slice_name}.operations"
    assert fact.replace("_", "").isalpha()
    assert fact.islower()
