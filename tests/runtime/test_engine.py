"""A run from its start to its end, on the real store."""

from __future__ import annotations


def test_a_run_goes_from_state_to_state_until_it_completes(scene, kit):
    """
    Each outcome is one turn: the state's result and the next state's call in the same commit.
    """
    scene.handlers["A"] = lambda call: kit.go(kit.movement("B"))
    scene.handlers["B"] = lambda call: kit.complete("done")
    run_id = scene.start()

    scene.work()

    result = scene.get(scene.service.result(scene.at()))
    assert result.run_id == run_id
    assert result.status == "COMPLETED"
    assert [output.output for output in result.outputs] == [kit.payload("done")]
    history = scene.get(scene.service.history(scene.at()))
    assert [entry.kind for entry in history] == ["Started", "ExecuteReturned", "ExecuteReturned"]
    assert [entry.seq for entry in history] == [1, 2, 3]
