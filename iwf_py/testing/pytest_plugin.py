"""Fixtures for users' tests. Register it in the conftest.py at the root of the tests, and say what to test:

pytest_plugins = ["iwf_py.testing.pytest_plugin"]

@pytest.fixture
def iwf_workflows():
return [SignupWorkflow()]

def test_a_reminder_goes_out(iwf_engine, iwf_client):
iwf_client.start_workflow(SignupWorkflow, "alice", 3600, form)
iwf_engine.skip("24h")
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from iwf_py.authoring.registry import Registry
from iwf_py.authoring.workflow import ObjectWorkflow
from iwf_py.client.client import Client
from iwf_py.testing.host import TestEngine


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that draws another order."""
    parser.getgroup("iwf_py").addoption(
        "--iwf-seed", type=int, default=0, help="seed of the order of what is ready at the same instant (iwf_engine)"
    )


@pytest.fixture
def iwf_workflows() -> Sequence[ObjectWorkflow | Registry]:
    """Tell the workflows to test; override it: a list of workflows, or of one registry."""
    pytest.fail("define a fixture iwf_workflows that returns the workflows to test, for example [SignupWorkflow()]")


@pytest.fixture
def iwf_engine(
    iwf_workflows: Sequence[ObjectWorkflow | Registry], request: pytest.FixtureRequest
) -> Iterator[TestEngine]:
    """Give an engine in memory, audited at the end of the test."""
    with TestEngine(*iwf_workflows, seed=request.config.getoption("--iwf-seed")) as engine:
        yield engine


@pytest.fixture
def iwf_client(iwf_engine: TestEngine) -> Client:
    """Give the client of `iwf_engine`."""
    return iwf_engine.client
