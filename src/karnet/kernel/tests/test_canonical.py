"""Canonical JSON against the rules of RFC 8785."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from karnet.kernel.canonical import MAX_INTEGER, NotCanonical, decode, encode

_values = st.recursive(
    st.none() | st.booleans() | st.integers(-MAX_INTEGER, MAX_INTEGER) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(max_codepoint=127), max_size=5), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(_values)
def test_canonical_bytes_round_trip(value: object) -> None:
    assert decode(encode(value)) == value


def test_strings_are_escaped_as_rfc_8785_section_3_2_2_2_says() -> None:
    # The RFC's own example string.
    assert encode('€$\u000f\nA\'B"\\"/') == b'"\xe2\x82\xac$\\u000f\\nA\'B\\"\\\\\\"/"'
    assert encode("\x7f\u2028\b\t\f\r") == b'"\x7f\xe2\x80\xa8\\b\\t\\f\\r"'


def test_keys_are_sorted_at_every_depth() -> None:
    assert encode({"b": {"d": 1, "c": 2}, "a": [{"z": 1, "y": 2}]}) == b'{"a":[{"y":2,"z":1}],"b":{"c":2,"d":1}}'


@pytest.mark.parametrize(
    "data",
    [b'{"b":1,"a":2}', b'{"a": 1}', b"1.0", b"1e3", b'{"\xc5\xbc":1}', b"9007199254740993", b'{"a":1,"a":2}', b'"\\u0041"', b"{", b"\xff"],
)  # fmt: skip
def test_bytes_in_any_other_form_are_refused(data: bytes) -> None:
    with pytest.raises(NotCanonical):
        decode(data)


def test_what_other_readers_would_read_differently_is_refused() -> None:
    with pytest.raises(NotCanonical, match=r"\$\.amount"):
        encode({"amount": MAX_INTEGER + 1})
    with pytest.raises(NotCanonical, match="Unicode"):
        encode("\ud800")
    assert encode({"text": "12345678901234567890"})
    assert encode([MAX_INTEGER, -MAX_INTEGER])


def test_structs_and_dicts_of_the_same_value_encode_alike() -> None:
    class Pair(msgspec.Struct):
        b: int
        a: str

    assert encode(Pair(b=1, a="x")) == encode({"a": "x", "b": 1})
