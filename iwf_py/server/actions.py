"""What a caller must be allowed to do for each route: one table, in which no route is missing."""

from __future__ import annotations

from enum import StrEnum

from iwf_py.wire import routes
from iwf_py.wire.routes import Route


class Role(StrEnum):
    """What a key may do; each may do what those before it may."""

    READ = "read"
    WRITE = "write"
    ADMIN = "admin"

    def includes(self, other: Role) -> bool:
        """May this role do what *other* may?"""
        ranks = tuple(Role)
        return ranks.index(self) >= ranks.index(other)


# None is for anybody, with or without a key. What changes how the engine runs, or rewrites a run's past, is an operator's.
ROLES: dict[Route, Role | None] = {
    routes.START: Role.WRITE,
    routes.SIGNAL: Role.WRITE,
    routes.PUBLISH: Role.WRITE,
    routes.STOP: Role.WRITE,
    routes.GET: Role.READ,
    routes.GET_WITH_WAIT: Role.READ,
    routes.SEARCH: Role.READ,
    routes.RESET: Role.ADMIN,
    routes.RPC: Role.WRITE,
    routes.SKIP_TIMER: Role.WRITE,
    routes.GET_ATTRIBUTES: Role.READ,
    routes.SET_ATTRIBUTES: Role.WRITE,
    routes.GET_SEARCH_ATTRIBUTES: Role.READ,
    routes.SET_SEARCH_ATTRIBUTES: Role.WRITE,
    routes.WAIT_FOR_STATE: Role.READ,
    routes.UPDATE_CONFIG: Role.ADMIN,
    routes.CONTINUE_AS_NEW: Role.ADMIN,
    routes.DUMP: Role.ADMIN,
    routes.HEALTH: None,
    routes.GREETING: Role.READ,
}
