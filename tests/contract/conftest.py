import pytest

# The suite ships with the product, so pytest has to be told that its asserts are worth explaining.
pytest.register_assert_rewrite("iwf_py.testing.contract")
