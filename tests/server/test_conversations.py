"""Each recorded conversation, played to our server by a client and a worker that do what was recorded."""

import json

import pytest

from tests.server.differences import CUT, SPECIAL, STRANGE, general
from tests.server.host import ServedHost
from tests.server.replaying import Replay, same
from tests.wire.recorded import FOLDER

RECORDED = {path.stem: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))}


def played(name):
    return RECORDED[name][: CUT[name][0]] if name in CUT else RECORDED[name]


@pytest.mark.parametrize("name", RECORDED)
def test_a_conversation_goes_as_recorded(name):
    """
    Every call to the worker and every answer is the recorded one, up to ids and times, or differs as the table says.
    """
    conversation = played(name)
    with ServedHost("sqlite://") as host:
        replay = Replay(host, conversation)
        replay.run()

    unlisted = [one for one in replay.strange if (name, one[0] if "/" in one[0] else one[1]) not in STRANGE]
    assert unlisted == []
    different = {}
    for index, exchange in enumerate(conversation):
        ours, recorded = replay.told[index], replay.wanted(told_of(exchange))
        if not same(list(ours), recorded):
            different[index] = ours, recorded
    listed = {index for where, index in SPECIAL if where == name}
    assert {index: pair for index, pair in different.items() if index not in listed and not general(*pair)} == {}
    assert listed <= different.keys(), "the table names a difference that is none any more"
    for index in listed:
        check(SPECIAL[name, index][0], *different[index])


def told_of(exchange):
    """Give what an exchange tells: a client is told status and body; of a call, it is the request."""
    return [exchange["status"], exchange["response"]] if exchange["from"] == "client" else ["call", exchange["request"]]


def check(listed, ours, recorded):
    """See that nothing but the listed fields differs, and that each says what is listed."""
    (status, body), (recorded_status, recorded_body) = ours, recorded
    if "status" in listed:
        assert status == listed["status"]
    else:
        assert status == recorded_status
    whole = status != recorded_status and 200 in (status, recorded_status)
    for field in body.keys() | recorded_body.keys():
        if field in listed:
            assert str(listed[field]) in json.dumps(body.get(field, ""))
        elif not whole:
            assert same(body.get(field), recorded_body.get(field)), field
