"""What iWF's generated models hold where nothing was given; here it is None, and these are for imports alone."""

from __future__ import annotations


class Unset:
    """The class of `UNSET`, for code that asks ``isinstance(value, Unset)``: no value of iwf_py ever is one."""

    def __bool__(self) -> bool:
        return False


UNSET = Unset()
