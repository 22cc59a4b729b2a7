"""Search attributes as rows: typed columns, and the words by which texts and lists are found."""

from __future__ import annotations

import json
import math
from datetime import datetime

from iwf_py.core.changes import SearchAttributeWritten
from iwf_py.core.matching import words_of
from iwf_py.model.payload import SearchAttribute
from iwf_py.model.status import SearchAttributeValueType
from iwf_py.store.driver import Tuple
from iwf_py.store.instants import from_micros_or_none, to_micros_or_none


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
        to_micros_or_none(change.instant),
    )


def word_rows(run: int, attribute: SearchAttribute) -> list[Tuple]:
    """Make a row of each word by which *attribute* may be found; none for what is compared as a whole."""
    if attribute.value_type is SearchAttributeValueType.TEXT:
        return [(run, attribute.key, word, True) for word in words_of(attribute.string_value or "")]
    if attribute.value_type is SearchAttributeValueType.KEYWORD_ARRAY:
        return [(run, attribute.key, word, False) for word in dict.fromkeys(attribute.string_array_value or ())]
    return []


def search_attribute(row: Tuple) -> tuple[SearchAttribute, int, datetime | None]:
    """Read a row without its run: the attribute, its revision, and its instant."""
    key, value_type, string, integer, double, boolean, array, is_nan, revision, instant = row
    attribute = SearchAttribute(
        key,
        string,
        integer,
        math.nan if is_nan else double,
        None if boolean is None else bool(boolean),
        None if array is None else tuple(json.loads(array)),
        None if value_type is None else SearchAttributeValueType(value_type),
    )
    return attribute, revision, from_micros_or_none(instant)
