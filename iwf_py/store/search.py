"""Search attributes as rows: typed columns, and the words by which texts and lists are found."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable

from iwf_py.core.changes import SearchAttributeWritten
from iwf_py.model.payload import SearchAttribute
from iwf_py.model.status import SearchAttributeValueType
from iwf_py.store.driver import Tuple

_WORD = re.compile(r"\w+")


def search_row(run: int, change: SearchAttributeWritten) -> Tuple:
    """Make the row of a written search attribute."""
    attribute = change.attribute
    double = attribute.double_value
    is_nan = double is not None and math.isnan(double)
    return (
        run,
        attribute.key,
        None if attribute.value_type is None else attribute.value_type.value,
        attribute.string_value,
        attribute.integer_value,
        None if is_nan else double,
        attribute.bool_value,
        None if attribute.string_array_value is None else json.dumps(attribute.string_array_value),
        is_nan,
        change.revision,
    )


def words_of(attribute: SearchAttribute) -> list[str]:
    """Tell the words by which *attribute* may be found, each once; none for what is compared as a whole."""
    words: Iterable[str] = ()
    if attribute.string_array_value is not None:
        words = attribute.string_array_value
    elif attribute.value_type is SearchAttributeValueType.TEXT and attribute.string_value:
        words = _WORD.findall(attribute.string_value.lower())
    return list(dict.fromkeys(words))


def search_attribute(row: Tuple) -> tuple[SearchAttribute, int]:
    """Read a row (key, value_type, string, integer, double, boolean, array, is_nan, revision) and its revision."""
    key, value_type, string, integer, double, boolean, array, is_nan, revision = row
    attribute = SearchAttribute(
        key,
        string,
        integer,
        math.nan if is_nan else double,
        None if boolean is None else bool(boolean),
        None if array is None else tuple(json.loads(array)),
        None if value_type is None else SearchAttributeValueType(value_type),
    )
    return attribute, revision
