"""What a cron expression says: its text as the values of its fields.

The five fields of crontab(5), in the ways that its implementations share: ``*``, numbers, names, ranges, lists,
steps, Sunday as 0 or 7, and the words that stand for whole expressions. Nothing else is guessed at: an expression
that is not understood is refused with the field, what stands there, and what may.
"""

from __future__ import annotations

from attrs import frozen

from iwf_py.errors import InvalidArgumentError

_MAX_LENGTH = 1000

_WORDS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
# robfig's, which Temporal and Cadence read: the wire has no other place for a zone.
_ZONE_PREFIXES = ("CRON_TZ=", "TZ=")
# The longest that each month gets.
_LENGTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


@frozen
class _Field:
    name: str
    least: int
    most: int
    names: tuple[str, ...] = ()

    def number(self, text: str) -> int | None:
        """Read a number or a name; None when it is neither."""
        if text.isascii() and text.isdigit():
            return int(text)
        name = text.lower()
        return self.least + self.names.index(name) if name in self.names else None


_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_FIELDS = (
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of month", 1, 31),
    _Field("month", 1, 12, _MONTHS),
    _Field("day of week", 0, 7, _DAYS),
)


@frozen
class Crontab:
    """
    The minutes that an expression means, as the values of its fields, sorted.

    Attributes:
        days: Of the month, from 1.

        months: From 1.

        weekdays: From 0 for Sunday to 6.

        is_either_day: A day counts when *days* or *weekdays* have it, instead of both.
    """

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: tuple[int, ...]
    months: tuple[int, ...]
    weekdays: tuple[int, ...]
    is_either_day: bool

    @property
    def is_possible(self) -> bool:
        """Is there any such day, as 31 February is not?"""
        return self.is_either_day or any(self.days[0] <= _LENGTHS[month - 1] for month in self.months)


def split_zone(expression: str) -> tuple[str | None, str]:
    """
    Split a leading ``CRON_TZ=Europe/Berlin`` or ``TZ=Europe/Berlin`` off; None where there is none.

    Errors:
        InvalidArgumentError: *expression* is too long to be one.
    """
    if len(expression) > _MAX_LENGTH:
        raise InvalidArgumentError(f"a cron expression has at most {_MAX_LENGTH} characters, got {len(expression)}")
    text = expression.strip()
    for prefix in _ZONE_PREFIXES:
        if text.startswith(prefix):
            zone, _, rest = text.removeprefix(prefix).partition(" ")
            return zone, rest.strip()
    return None, text


def read_crontab(text: str) -> Crontab:
    """
    Read an expression, without a zone.

    Errors:
        InvalidArgumentError: It is none; the sentence names the field, its place and what may stand there.

    Source:
        crontab(5). Day of month and day of week are joined by OR where neither begins with ``*``, else by AND.
    """
    if text.startswith("@"):
        return read_crontab(_word(text))
    parts = text.split()
    if len(parts) != len(_FIELDS):
        raise InvalidArgumentError(
            f"cron expression {text!r} has {len(parts)} fields; write five, as in '30 9 * * 1-5': "
            "minute, hour, day of month, month, day of week"
        )
    minutes, hours, days, months, weekdays = (
        _values(text, place, field, part) for place, (field, part) in enumerate(zip(_FIELDS, parts, strict=True), 1)
    )
    return Crontab(
        minutes,
        hours,
        days,
        months,
        tuple(sorted({day % 7 for day in weekdays})),
        is_either_day=not (parts[2].startswith("*") or parts[4].startswith("*")),
    )


def _word(text: str) -> str:
    meaning = _WORDS.get(text.lower())
    if meaning is not None:
        return meaning
    way_out = f"write five fields, or one of {', '.join(_WORDS)}"
    if text.lower().startswith("@every"):
        way_out = "a span is no cron schedule: write fields, as '*/15 * * * *', or a workflow that waits for a timer"
    raise InvalidArgumentError(f"cron expression {text!r} is not known; {way_out}")


def _values(text: str, place: int, field: _Field, part: str) -> tuple[int, ...]:
    values: set[int] = set()
    for item in part.split(","):
        values.update(_item(text, place, field, item))
    return tuple(sorted(values))


def _item(text: str, place: int, field: _Field, item: str) -> range:
    """Read one item of a list: ``*``, ``n``, ``n-m``, each with ``/step``."""

    def refuse(problem: str) -> InvalidArgumentError:
        return InvalidArgumentError(f"cron expression {text!r}: {field.name} (field {place}), {item!r}: {problem}")

    span, slash, step_text = item.partition("/")
    step = 1
    if slash:
        if not (step_text.isascii() and step_text.isdigit() and int(step_text)):
            raise refuse("a step is a whole number from 1, as in '*/15'")
        step = int(step_text)
    if span == "*":
        # Sunday would come twice.
        return range(field.least, 7 if field.names is _DAYS else field.most + 1, step)
    first_text, dash, last_text = span.partition("-")
    first = field.number(first_text)
    # Without an end, a step goes on to the greatest value.
    last = field.number(last_text) if dash else (field.most if slash else first)
    if dash and last == 0 and last_text.lower() == "sun":
        last = 7
    names = f", or a name from {field.names[0]} to {field.names[-1]}" if field.names else ""
    if first is None or last is None or not (field.least <= first <= field.most and last <= field.most):
        raise refuse(f"write '*', or numbers from {field.least} to {field.most}{names}, with ',', '-' and '/'")
    if first > last:
        raise refuse(f"a range runs upwards; write two, as '{first_text}-{field.most},{field.least}-{last_text}'")
    return range(first, last + 1, step)
