"""What the command says, and how it exits."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from iwf_py import Embedded, ObjectWorkflow, Registry, StateDecision, StateSchema, WorkflowState, read_signing_keys
from iwf_py.cli.main import PROBLEMS, UNUSABLE, WELL, main


class Hear(WorkflowState[str]):
    def execute(self, ctx, input, command_results, persistence, communication):
        return StateDecision.single_next_state(Echo, input)


class Echo(WorkflowState[str]):
    def execute(self, ctx, input, command_results, persistence, communication):
        return StateDecision.graceful_complete_workflow(input)


class Echoing(ObjectWorkflow):
    def get_workflow_states(self):
        return StateSchema.with_starting_state(Hear(), Echo())


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A database with three completed runs."""
    path = tmp_path / "echo.db"
    with Embedded(f"sqlite:///{path}", Registry(Echoing())) as engine:
        for name in ("a", "b", "c"):
            engine.client.start_workflow(Echoing, name, None, name)
            engine.client.wait_for_workflow_completion(name, str)
    return path


def test_version_tells_both(capsys: pytest.CaptureFixture[str]):
    """
    ``iwf version`` names iwf_py and Python.
    """
    code = main(["version"])

    assert code == WELL
    assert capsys.readouterr().out.startswith("iwf_py ")


def test_a_sound_database_is_well(database: Path, capsys: pytest.CaptureFixture[str]):
    """
    What the engine wrote passes the check.
    """
    code = main(["check", "--database", f"sqlite:///{database}"])

    assert code == WELL
    assert capsys.readouterr().out == "3 runs, 9 history entries: all is well\n"


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        ("DELETE FROM iwf_history WHERE seq = 1 AND run = (SELECT min(run) FROM iwf_history)", "cannot be read"),
        ("DELETE FROM iwf_history WHERE seq = 2 AND run = (SELECT min(run) FROM iwf_history)", "gap"),
        ("UPDATE iwf_executions SET status = 'FAILED' WHERE workflow_id = 'a'", "differ"),
        ("UPDATE iwf_executions SET parked = 'a bug' WHERE workflow_id = 'b'", "a bug"),
    ],
)
def test_damage_is_found(database: Path, capsys: pytest.CaptureFixture[str], damage: str, says: str):
    """
    A missing entry, a row that was changed and a parked run are each told, and the exit code is 1.
    """
    connection = sqlite3.connect(database)
    connection.execute(damage)
    connection.commit()
    connection.close()

    code = main(["check", "--database", f"sqlite:///{database}"])

    assert code == PROBLEMS
    said = capsys.readouterr().out.splitlines()
    assert says in said[0]
    assert said[-1].endswith("problems")


def test_a_database_that_an_engine_holds_is_left_alone(database: Path, capsys: pytest.CaptureFixture[str]):
    """
    A check beside a running engine would see a moving target: it is refused, and the holder named.
    """
    with Embedded(f"sqlite:///{database}", Registry(Echoing())):
        code = main(["check", "--database", f"sqlite:///{database}"])

    assert code == UNUSABLE
    assert "echo.db" in capsys.readouterr().err


def test_what_is_not_there_is_not_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """
    A check of a file that does not exist says so and makes none.
    """
    code = main(["check", "--database", f"sqlite:///{tmp_path / 'none.db'}"])

    assert code == UNUSABLE
    assert "there is no database" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_database_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """
    Another kind of file, or of URL, is an error and no traceback.
    """
    (tmp_path / "letter.db").write_text("dear Alice\n" * 1000)

    codes = [main(["check", "--database", url]) for url in (f"sqlite:///{tmp_path / 'letter.db'}", "nonsense")]

    assert codes == [UNUSABLE, UNUSABLE]


def test_keys_are_made_listed_and_revoked(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """
    A key is printed once, and its secret never again.
    """
    file = str(tmp_path / "keys.json")
    made = main(["keys", "create", "--keys", file, "--name", "shop", "--role", "write", "--days", "1"])
    text = capsys.readouterr().out.strip()
    key_id = text.split("_")[1]
    codes = [main(["keys", "list", "--keys", file]), main(["keys", "revoke", "--keys", file, key_id])]
    listed = capsys.readouterr().out
    main(["keys", "list", "--keys", file])

    assert [made, *codes] == [WELL, WELL, WELL]
    assert key_id in listed
    assert "write" in listed
    assert text not in listed
    assert "revoked" in capsys.readouterr().out
    assert main(["keys", "revoke", "--keys", file, "nobody"]) == UNUSABLE
    assert main(["keys", "list", "--keys", str(tmp_path / "none.json")]) == UNUSABLE


def test_signing_keys_are_made_listed_and_removed(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """
    A secret stands in the file and is told nowhere; a key that could sign nothing is not made.
    """
    path = tmp_path / "signing.json"
    made = [
        main(["signing-keys", "create", "--keys", str(path), "--worker", "http://localhost:8802"]) for _ in range(2)
    ]
    old, new = capsys.readouterr().out.split()
    codes = [main(["signing-keys", task, "--keys", str(path), *more]) for task, *more in (("list",), ("remove", old))]
    listed = capsys.readouterr().out
    secret = json.loads(path.read_text())["signing_keys"][0]["secret"]
    refused = [
        main(["signing-keys", "create", "--keys", str(path), "--worker", "10.0.0.0/8"]),
        main(["signing-keys", "remove", "--keys", str(path), old]),
    ]

    assert [*made, *codes] == [WELL] * 4
    assert [line.split()[0] for line in listed.splitlines()] == [old, new]
    assert [key.id for key in read_signing_keys(path)] == [new]
    assert secret not in listed + "".join(capsys.readouterr())
    assert refused == [UNUSABLE, UNUSABLE]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--host", "0.0.0.0"], "--insecure-no-auth"),
        (["--allow-worker-url", "http://169.254.169.254"], "can never be called"),
        (["--keys", "missing.json"], "iwf keys create"),
        (["--signing-keys", "missing.json"], "iwf signing-keys create"),
        (["--host", "no-such-host.invalid", "--insecure-no-auth"], "cannot listen"),
    ],
)
def test_a_server_that_must_not_start_says_why(
    arguments: list[str], text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """
    Before anything is opened.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("iwf_py.cli.serve._PORT_PATIENCE_SECONDS", 0.0)

    assert main(["server", *arguments]) == UNUSABLE
    assert text in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
