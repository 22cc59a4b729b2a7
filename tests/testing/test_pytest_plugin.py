import subprocess
import sys

CONFTEST = """
import pytest
from tests.testing.workflows import Reminders

pytest_plugins = ["iwf_py.testing.pytest_plugin"]

@pytest.fixture
def iwf_workflows():
    return [Reminders()]
"""

TEST = """
from tests.testing.workflows import Reminders

def test_reminders(iwf_engine, iwf_client):
    iwf_client.start_workflow(Reminders, "w", 0, 0)
    iwf_engine.skip("2d")
    iwf_client.invoke_rpc("w", Reminders.verify)
    assert iwf_client.wait_for_workflow_completion("w", int) == 2
"""


def run(folder, *options):
    arguments = ["-q", "-p", "no:cacheprovider", "-W", "error", *options, str(folder)]
    return subprocess.run(
        [sys.executable, "-m", "pytest", "--rootdir", str(folder), "-c", "/dev/null", *arguments],
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_the_fixtures_are_enough_for_a_users_test(tmp_path):
    """
    A conftest of a few lines gives an engine and a client; the seed is an option.
    """
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_reminders.py").write_text(TEST)

    done = run(tmp_path, "--iwf-seed", "7")

    assert done.returncode == 0, done.stdout + done.stderr


def test_a_missing_fixture_is_told(tmp_path):
    """
    Without iwf_workflows the test fails with what to write.
    """
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["iwf_py.testing.pytest_plugin"]')
    (tmp_path / "test_reminders.py").write_text(TEST)

    done = run(tmp_path)

    assert done.returncode == 1
    assert "define a fixture iwf_workflows" in done.stdout
