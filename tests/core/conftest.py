"""Shared by the tests of the pure machine."""

import pytest

pytest.register_assert_rewrite("tests.core.machine", "tests.core.laws")
