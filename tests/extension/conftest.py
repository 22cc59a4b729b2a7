"""A workflow to serve, and an application to serve it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from iwf_py import IwfPy, ObjectWorkflow, Registry, StateDecision, StateSchema, WorkflowState


class Shout(WorkflowState[str]):
    def execute(self, ctx, input, command_results, persistence, communication):
        return StateDecision.graceful_complete_workflow(input.upper())


class Shouting(ObjectWorkflow):
    def get_workflow_states(self):
        return StateSchema.with_starting_state(Shout())


def shout(client, word: str) -> str:
    """Have a workflow shout a word; the word is the workflow id."""
    client.start_workflow(Shouting, word, 60, word)
    return client.wait_for_workflow_completion(word, str)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "shouting.db"


@pytest.fixture
def app(database: Path) -> Flask:
    app = Flask("shouting")
    app.config["IWF_DATABASE"] = f"sqlite:///{database}"
    return app


@pytest.fixture
def iwf(app: Flask) -> Iterator[IwfPy]:
    iwf = IwfPy(app, Registry(Shouting()))
    yield iwf
    iwf.stop()
