"""Durability: processes are killed at every point, and afterwards everything that was acknowledged is there, once."""

import pytest

pytest.register_assert_rewrite("tests.durability.record", "tests.durability.story")
