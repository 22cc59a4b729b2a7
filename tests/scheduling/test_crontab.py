"""What cron expressions say, by the table of crontab(5)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iwf_py.errors import InvalidArgumentError
from iwf_py.scheduling.crontab import read_crontab, split_zone

ALL = {"minutes": range(60), "hours": range(24), "days": range(1, 32), "months": range(1, 13), "weekdays": range(7)}


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("* * * * *", {}),
        ("*/15 * * * *", {"minutes": [0, 15, 30, 45]}),
        ("7-59/20 * * * *", {"minutes": [7, 27, 47]}),
        ("50/4 * * * *", {"minutes": [50, 54, 58]}),
        ("1,3-5,59 * * * *", {"minutes": [1, 3, 4, 5, 59]}),
        ("5,5,4-6 * * * *", {"minutes": [4, 5, 6]}),
        ("0 23-23 * * *", {"minutes": [0], "hours": [23]}),
        ("0 0-23/2 * * *", {"minutes": [0], "hours": range(0, 24, 2)}),
        ("0 */100 * * *", {"minutes": [0], "hours": [0]}),
        ("00 09 01 02 *", {"minutes": [0], "hours": [9], "days": [1], "months": [2]}),
        ("0 0 1,15 * *", {"minutes": [0], "hours": [0], "days": [1, 15]}),
        ("* * * jan,MAR-May *", {"months": [1, 3, 4, 5]}),
        ("* * * * mon-fri", {"weekdays": [1, 2, 3, 4, 5]}),
        ("* * * * 0", {"weekdays": [0]}),
        ("* * * * 7", {"weekdays": [0]}),
        ("* * * * 0,7", {"weekdays": [0]}),
        ("* * * * 5-7", {"weekdays": [0, 5, 6]}),
        ("* * * * Fri-Sun", {"weekdays": [0, 5, 6]}),
        ("* * * * 0-7", {}),
        ("* * * * */2", {"weekdays": [0, 2, 4, 6]}),
        ("* * * * */7", {"weekdays": [0]}),
        ("@hourly", {"minutes": [0]}),
        ("@daily", {"minutes": [0], "hours": [0]}),
        ("@midnight", {"minutes": [0], "hours": [0]}),
        ("@weekly", {"minutes": [0], "hours": [0], "weekdays": [0]}),
        ("@monthly", {"minutes": [0], "hours": [0], "days": [1]}),
        ("@yearly", {"minutes": [0], "hours": [0], "days": [1], "months": [1]}),
        ("@Annually", {"minutes": [0], "hours": [0], "days": [1], "months": [1]}),
    ],
)
def test_an_expression_is_the_values_of_its_fields(text, fields):
    """
    Names, ranges, lists and steps name values; Sunday is 0 and 7; a word stands for a whole expression.
    """
    crontab = read_crontab(text)

    expected = {name: tuple(values) for name, values in {**ALL, **fields}.items()}
    assert {name: getattr(crontab, name) for name in ALL} == expected


@pytest.mark.parametrize(
    ("text", "is_either"),
    [
        ("0 0 13 * 5", True),
        ("0 0 13 * *", False),
        ("0 0 * * 5", False),
        ("0 0 * * *", False),
        ("0 0 1-31 * 5", True),
        ("0 0 */2 * 5", False),
        ("0 0 13 * */2", False),
    ],
)
def test_two_kinds_of_days_are_joined_by_or(text, is_either):
    """
    A day counts by either field when both are restricted; one that begins with ``*`` is not, whatever its step.
    """
    assert read_crontab(text).is_either_day is is_either


@pytest.mark.parametrize(
    ("text", "is_possible"),
    [
        ("0 0 31 2 *", False),
        ("0 0 30 2 *", False),
        ("0 0 31 4,6,9,11 *", False),
        ("0 0 29 2 *", True),
        ("0 0 31 4,5 *", True),
        ("0 0 30,31 2 1", True),
        ("0 0 1,31 2 *", True),
    ],
)
def test_a_day_that_no_month_has_is_impossible(text, is_possible):
    """
    31 February does not come, 29 February does, and a day of the week always.
    """
    assert read_crontab(text).is_possible is is_possible


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "has 0 fields; write five"),
        ("* * * *", "has 4 fields; write five"),
        ("0 * * * * *", "has 6 fields; write five, as in"),
        ("60 * * * *", r"minute \(field 1\), '60': write '\*', or numbers from 0 to 59, with"),
        ("0 24 * * *", r"hour \(field 2\), '24'"),
        ("0 0 0 * *", r"day of month \(field 3\), '0': .* from 1 to 31"),
        ("0 0 32 * *", r"day of month \(field 3\), '32'"),
        ("0 0 * 13 *", r"month \(field 4\), '13': .* from 1 to 12, or a name from jan to dec"),
        ("0 0 * * 8", r"day of week \(field 5\), '8': .* from 0 to 7, or a name from sun to sat"),
        ("0 0 * mon *", r"month \(field 4\), 'mon'"),
        ("-1 * * * *", r"minute \(field 1\), '-1'"),
        ("1- * * * *", r"minute \(field 1\), '1-'"),
        ("1--3 * * * *", r"minute \(field 1\), '1--3'"),
        ("1,,2 * * * *", r"minute \(field 1\), ''"),
        ("1, * * * *", r"minute \(field 1\), ''"),
        ("*/0 * * * *", r"minute \(field 1\), '\*/0': a step is a whole number from 1"),
        ("*/ * * * *", r"minute \(field 1\), '\*/': a step"),
        ("*/-5 * * * *", r"minute \(field 1\), '\*/-5': a step"),
        ("*/1.5 * * * *", r"minute \(field 1\), '\*/1.5': a step"),
        ("*-5 * * * *", r"minute \(field 1\), '\*-5'"),
        ("** * * * *", r"minute \(field 1\), '\*\*'"),
        ("0 22-6 * * *", r"hour \(field 2\), '22-6': a range runs upwards; write two, as '22-23,0-6'"),
        ("0 0 * * 5-0", r"day of week \(field 5\), '5-0': a range runs upwards"),
        ("0 0 L * *", r"day of month \(field 3\), 'L'"),
        ("0 0 ? * *", r"day of month \(field 3\), '\?'"),
        ("0 0 * * 5#3", r"day of week \(field 5\), '5#3'"),
        ("\u0661 * * * *", r"minute \(field 1\)"),
        ("@reboot", "'@reboot' is not known; write five fields, or one of @yearly, @annually"),
        (
            "@every 1h",
            "a span is no cron schedule: write fields, as '\\*/15 \\* \\* \\* \\*', or a workflow that waits",
        ),
        ("@daily now", "is not known"),
    ],
)
def test_what_is_no_expression_says_where_and_what_may_stand_there(text, problem):
    """
    A refusal names the field, its place, what stands there, and the way out.
    """
    with pytest.raises(InvalidArgumentError, match=problem):
        read_crontab(text)


@pytest.mark.parametrize(
    ("text", "zone", "rest"),
    [
        ("0 9 * * *", None, "0 9 * * *"),
        ("  0 9 * * * ", None, "0 9 * * *"),
        ("CRON_TZ=Europe/Berlin 0 9 * * *", "Europe/Berlin", "0 9 * * *"),
        ("TZ=Asia/Tokyo   @daily", "Asia/Tokyo", "@daily"),
        ("TZ=Asia/Tokyo", "Asia/Tokyo", ""),
    ],
)
def test_a_zone_may_stand_before_an_expression(text, zone, rest):
    """
    As robfig's cron has it.
    """
    assert split_zone(text) == (zone, rest)


def test_a_text_without_end_is_refused():
    """
    Before anything of it is read.
    """
    with pytest.raises(InvalidArgumentError, match="at most 1000 characters, got 1200"):
        split_zone("*," * 600)


@given(st.text(st.sampled_from("0123456789*/-, @monsuTZ=\t\u0663"), max_size=30))
def test_any_text_is_read_or_refused(text):
    """
    No text raises anything else, and what is read has values in each field.
    """
    try:
        crontab = read_crontab(split_zone(text)[1])
    except InvalidArgumentError:
        return

    assert all(getattr(crontab, name) and set(getattr(crontab, name)) <= set(ALL[name]) for name in ALL)
