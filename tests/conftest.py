"""What holds for all tests."""

import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadScopeScheduling

# The suite ships with the product, so pytest has to be told that its asserts are worth explaining.
pytest.register_assert_rewrite("iwf_py.testing.contract")

# How long an example takes depends on what else the machine does, and says nothing about what it shows.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

# Tests that share what is dear to make, or that load the machine: they run one after the other, in one process.
_TOGETHER = (
    "tests/crash/test_crash.py",
    "tests/contract/test_remote.py",
    "tests/sdk/",
    "tests/simulation/test_simulation.py::test_no_seed_breaks_a_promise",
    "tests/simulation/test_simulation.py::test_everything_hard_has_happened",
    "tests/typing/",
)


class Shares(LoadScopeScheduling):
    """Gives each process the next test when it has none left; what belongs together comes first, as one."""

    def _split_scope(self, nodeid: str) -> str:
        return next((part.partition("::")[0] for part in _TOGETHER if nodeid.startswith(part)), nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Spread the tests over the processes."""
    return Shares(config, log)
