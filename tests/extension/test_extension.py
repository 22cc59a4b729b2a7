"""The Flask extension: where the client is, and when the engine starts."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask, current_app

from iwf_py import Embedded, InvalidArgumentError, IwfPy, Registry, StoreInUseError
from tests.extension.conftest import Shouting, shout


def test_three_lines_make_an_application_durable(app: Flask, iwf: IwfPy):
    """
    An existing application imports the extension, ties it, and calls workflows from its views.
    """
    app.add_url_rule("/shout/<word>", view_func=lambda word: shout(iwf.client, word))

    answer = app.test_client().get("/shout/hello")

    assert answer.text == "HELLO"


def test_init_app_opens_nothing(app: Flask, iwf: IwfPy, database: Path):
    """
    Tying an application to workflows touches no database.
    """
    with app.app_context():
        assert "iwf_py" in current_app.extensions

    assert not database.exists()


def test_the_first_request_starts_the_engine(app: Flask, iwf: IwfPy, database: Path):
    """
    A request starts the engine, also one that uses no workflow.
    """
    app.add_url_rule("/", view_func=lambda: "hello")

    answer = app.test_client().get("/")

    assert answer.text == "hello"
    assert database.exists()


def test_the_first_use_of_the_client_starts_the_engine(app: Flask, iwf: IwfPy):
    """
    The client works in a shell: inside an application context, and outside for the only application.
    """
    outside = shout(iwf.client, "outside")
    with app.app_context():
        inside = shout(iwf.client, "inside")

    assert (outside, inside) == ("OUTSIDE", "INSIDE")


def test_what_the_application_holds_is_the_client(app: Flask, iwf: IwfPy):
    """
    ``current_app.extensions["iwf_py"]`` calls workflows, itself and by its ``client``.
    """
    with app.app_context():
        held = current_app.extensions["iwf_py"]

        assert shout(held, "itself") == "ITSELF"
        assert shout(held.client, "client") == "CLIENT"
        with pytest.raises(AttributeError, match="no_such_method"):
            held.no_such_method()


def test_start_starts_and_stop_gives_the_database_back(app: Flask, iwf: IwfPy, database: Path):
    """
    Between start and stop the engine owns its file; after stop another may, and then this one again.
    """
    iwf.start()
    with pytest.raises(StoreInUseError):
        Embedded(f"sqlite:///{database}", Registry(Shouting())).start()

    iwf.stop()
    iwf.stop()
    with Embedded(f"sqlite:///{database}", Registry(Shouting())) as engine:
        assert shout(engine.client, "other") == "OTHER"

    assert shout(iwf.client, "again") == "AGAIN"


def test_in_debug_mode_only_the_reloaders_child_starts_early(
    app: Flask, iwf: IwfPy, database: Path, monkeypatch: pytest.MonkeyPatch
):
    """
    The reloader's parent never takes the database from the child that serves.
    """
    app.debug = True
    iwf.start()
    in_the_parent = database.exists()
    monkeypatch.setenv("WERKZEUG_RUN_MAIN", "true")
    iwf.start()

    assert not in_the_parent
    assert database.exists()


def test_a_request_without_workflows_is_served_while_another_holds_the_database(
    app: Flask, iwf: IwfPy, database: Path, caplog: pytest.LogCaptureFixture
):
    """
    A second process serves its pages; only the use of a workflow says who holds the database.
    """
    app.add_url_rule("/", view_func=lambda: "hello")
    with Embedded(f"sqlite:///{database}", Registry(Shouting())):
        answers = [app.test_client().get("/").text for _ in range(2)]

        with pytest.raises(StoreInUseError):
            _ = iwf.client

    assert answers == ["hello", "hello"]
    # Told once, not with every request.
    assert len([record for record in caplog.records if "not available" in record.message]) == 1
    assert shout(iwf.client, "free") == "FREE"


def test_one_extension_serves_several_applications(tmp_path: Path):
    """
    Each application has an engine and a database of its own; inside its context its client is meant.
    """
    iwf = IwfPy(registry=Registry(Shouting()))
    apps = [Flask("first"), Flask("second")]
    for app in apps:
        app.config["IWF_DATABASE"] = f"sqlite:///{tmp_path / app.name}.db"
        iwf.init_app(app)

    for app in apps:
        with app.app_context():
            assert shout(iwf.client, "hello") == "HELLO"
    with pytest.raises(InvalidArgumentError, match="app_context"):
        _ = iwf.client

    for app in apps:
        with app.app_context():
            iwf.stop()


def test_an_application_is_tied_once(app: Flask, iwf: IwfPy):
    """
    A second extension on one application would be a second engine on one file.
    """
    with pytest.raises(InvalidArgumentError, match="already"):
        IwfPy(app)


def test_without_an_application_the_way_out_is_told(app: Flask):
    """
    Before init_app, and in the context of a foreign application, the error says what is missing.
    """
    iwf = IwfPy()

    with pytest.raises(InvalidArgumentError, match="init_app"):
        _ = iwf.client
    with app.app_context(), pytest.raises(InvalidArgumentError, match="init_app"):
        _ = iwf.client


def test_workflows_are_added_until_the_engine_starts(app: Flask):
    """
    `register` adds to the registry.
    """
    iwf = IwfPy(app)
    iwf.register(Shouting())

    assert shout(iwf.client, "late") == "LATE"
    iwf.stop()


def test_the_application_may_be_configured_later(tmp_path: Path):
    """
    Which database it is, is asked when the engine starts.
    """
    app = Flask("later", instance_path=str(tmp_path / "instance"))
    iwf = IwfPy(app, Registry(Shouting()))
    app.config["IWF_DATABASE"] = f"sqlite:///{tmp_path / 'later.db'}"

    iwf.start()
    iwf.stop()

    assert (tmp_path / "later.db").exists()
    assert not (tmp_path / "instance").exists()


def test_the_database_stands_in_the_instance_folder_unless_it_is_named(tmp_path: Path):
    """
    The configuration comes first, then the extension's own url, then the instance folder.
    """
    plain = Flask("plain", instance_path=str(tmp_path / "instance"))
    named = Flask("named", instance_path=str(tmp_path / "elsewhere"))
    for app, url in ((plain, None), (named, f"sqlite:///{tmp_path / 'named.db'}")):
        iwf = IwfPy(app, Registry(Shouting()), url=url)
        iwf.start()
        iwf.stop()

    assert (tmp_path / "instance" / "iwf.db").exists()
    assert (tmp_path / "named.db").exists()
    assert not (tmp_path / "elsewhere").exists()
