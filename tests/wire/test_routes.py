"""The table of routes is the protocol's."""

from __future__ import annotations

from iwf_py.wire import requests, routes


def test_every_route_stands_in_the_table_once():
    """
    Twenty for clients, three at the worker; one name and one path each.
    """
    table = [*routes.CLIENT_ROUTES, *routes.WORKER_ROUTES.values()]
    said = [value for value in vars(routes).values() if isinstance(value, routes.Route)]

    assert len(routes.CLIENT_ROUTES) == 20
    assert len(table) == len({route.name for route in table}) == len({route.path for route in table}) == 23
    assert {route.name for route in said} == {route.name for route in table}


def test_what_may_be_asked_again():
    """
    Reads, but for those that wait; never what writes.
    """
    again = {route.name for route in routes.CLIENT_ROUTES if route.may_be_retried}

    assert again == {
        "get",
        "search",
        "get_attributes",
        "get_search_attributes",
        "dump",
        "health",
        "greeting",
    }
    assert {route.name for route in routes.CLIENT_ROUTES if route.is_long_poll} == {"get_with_wait", "wait_for_state"}
    assert not any(route.may_be_retried for route in routes.WORKER_ROUTES.values())


def test_every_request_of_a_client_can_be_read_and_written():
    """
    Each route but for the dump, which is the original's own affair, has both.
    """
    shared = {"get_with_wait": "get", "continue_as_new": "address", "wait_for_state": "state_wait"}
    for route in routes.CLIENT_ROUTES:
        if route.request is not None and route is not routes.DUMP:
            name = shared.get(route.name, route.name)
            assert callable(getattr(requests, f"read_{name}"))
            assert callable(getattr(requests, f"write_{name}"))
