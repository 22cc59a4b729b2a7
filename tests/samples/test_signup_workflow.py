"""The signup workflow in virtual time."""

from __future__ import annotations

import pytest

from iwf_py import ObjectWorkflow, WorkflowTimeout
from iwf_py.testing import TestEngine
from sample_apps.signup.form import Form
from sample_apps.signup.mail import Letter, Letters
from sample_apps.signup.workflow import UserSignupWorkflow

ALICE = Form("alice", "alice@example.com")


class Box:
    """Keeps what is handed in; fails while it is shut."""

    def __init__(self) -> None:
        self.letters: list[Letter] = []
        self.is_shut = False

    @property
    def kinds(self) -> list[str]:
        return [letter.kind for letter in self.letters]

    def send(self, letter: Letter) -> None:
        if self.is_shut:
            raise ConnectionError("the mail server does not answer")
        self.letters.append(letter)


@pytest.fixture
def box() -> Box:
    return Box()


@pytest.fixture
def workflow(box: Box) -> ObjectWorkflow:
    return UserSignupWorkflow(Letters(box, "http://127.0.0.1:8000"))


@pytest.mark.parametrize("seed", range(5))
def test_a_reminder_every_ten_seconds_until_the_click(workflow: ObjectWorkflow, box: Box, seed: int):
    """
    A verification at once, a reminder every ten seconds, a welcome after the click, and then nothing.
    """
    with TestEngine(workflow, seed=seed) as engine:
        engine.client.start_workflow(UserSignupWorkflow, "alice", 3600, ALICE)
        engine.skip("35s")
        answer = engine.client.invoke_rpc("alice", UserSignupWorkflow.verify, "email")
        engine.skip("1h")

        assert answer == "done"
        assert box.kinds == ["verification", "a reminder", "a reminder", "a reminder", "welcome"]
        assert engine.client.wait_for_workflow_completion("alice", str) == "done"
        assert engine.client.get_workflow_data_attributes(UserSignupWorkflow, "alice") == {
            "form": ALICE,
            "status": "verified",
            "source": "email",
        }


def test_without_a_click_it_ends_after_its_time(workflow: ObjectWorkflow, box: Box):
    """
    A registration that nobody confirms runs out, and no mail goes out after that.
    """
    with TestEngine(workflow) as engine:
        engine.client.start_workflow(UserSignupWorkflow, "alice", 3600, ALICE)
        engine.skip("2h")

        with pytest.raises(WorkflowTimeout):
            engine.client.wait_for_workflow_completion("alice")
        assert len(box.kinds) == 1 + 359


def test_a_mail_server_that_is_away_is_asked_again(workflow: ObjectWorkflow, box: Box):
    """
    While no mail can go out nothing is decided; when it can, it goes out once, and all goes on.
    """
    with TestEngine(workflow) as engine:
        box.is_shut = True
        engine.client.start_workflow(UserSignupWorkflow, "alice", 3600, ALICE)
        engine.skip("60s")
        (state,) = engine.client.describe_workflow("alice").states
        box.is_shut = False
        engine.skip("60s")

        assert state.state_id == "SubmitState"
        assert state.last_failure.error_type == "ConnectionError"
        assert box.kinds[0] == "verification"
        assert box.kinds.count("verification") == 1
