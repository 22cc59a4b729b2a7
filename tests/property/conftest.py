"""Shared by the property tests."""

import pytest

pytest.register_assert_rewrite("tests.core.machine", "tests.core.laws")
