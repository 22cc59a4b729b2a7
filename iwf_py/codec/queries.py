"""The query language: text into `model.queries`, or a sentence that says where it is wrong, and what belongs there.

The grammar is read by an LALR parser, which takes time in proportion to the text and does not recurse, however
deeply the text nests. A query has limits of its own beside that, so that none can be dear to carry out.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from functools import cache
from typing import Any, NoReturn

from lark import Lark, Token, Transformer, UnexpectedCharacters, UnexpectedInput, UnexpectedToken, v_args

from iwf_py.errors import ClientSideError
from iwf_py.model.queries import EVERYTHING, AllOf, AnyOf, Literal, Operator, Query, Term, negated

MAX_QUERY_BYTES = 8 * 1024
MAX_DEPTH = 10
MAX_TERMS = 50
MAX_VALUES = 500

_GRAMMAR = r"""
    ?query: any
    ?any: all (_OR all)*                              -> any_of
    ?all: part (_AND part)*                           -> all_of
    ?part: _NOT part                                  -> opposite
        | "(" any ")"
        | term
    term: name COMPARISON literal                     -> compare
        | name _IN "(" literal ("," literal)* ")"       -> among
        | name _NOT _IN "(" literal ("," literal)* ")"  -> not_among
        | name _BETWEEN literal _AND literal            -> between
        | name _NOT _BETWEEN literal _AND literal       -> not_between
        | name _STARTS_WITH literal                     -> starts
        | name _NOT _STARTS_WITH literal                -> not_starts
        | name _IS _NULL                                -> missing
        | name _IS _NOT _NULL                           -> present
    name: NAME                                          -> plain_name
        | QUOTED_NAME                                   -> quoted_name
    literal: TEXT                                       -> text
        | NUMBER                                        -> number
        | _TRUE                                         -> true
        | _FALSE                                        -> false

    _AND.2: /AND\b/i
    _OR.2: /OR\b/i
    _NOT.2: /NOT\b/i
    _IN.2: /IN\b/i
    _BETWEEN.2: /BETWEEN\b/i
    _STARTS_WITH.2: /STARTS_WITH\b/i
    _IS.2: /IS\b/i
    _NULL.2: /NULL\b/i
    _TRUE.2: /TRUE\b/i
    _FALSE.2: /FALSE\b/i
    COMPARISON: "=" | "!=" | "<>" | "<=" | ">=" | "<" | ">"
    NAME: /[^\W\d]\w*/
    QUOTED_NAME: /`(?:[^`]|``)+`/
    TEXT: /'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*"/s
    NUMBER: /[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?(?!\w)/

    %import common.WS
    %ignore WS
"""

_WORDS = {
    "_AND": "AND",
    "_OR": "OR",
    "_NOT": "NOT",
    "_IN": "IN",
    "_BETWEEN": "BETWEEN",
    "_STARTS_WITH": "STARTS_WITH",
    "_IS": "IS",
    "_NULL": "NULL",
    "_TRUE": "true",
    "_FALSE": "false",
    "COMPARISON": "a comparison (= != < <= > >=)",
    "NAME": "the name of an attribute",
    "QUOTED_NAME": None,
    "TEXT": "a value in quotes",
    "NUMBER": "a number",
    "LPAR": "'('",
    "RPAR": "')'",
    "COMMA": "','",
    "$END": "the end of the query",
}
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "Z": "\x1a"}
_ESCAPED = re.compile(r"\\(.)|''|\"\"", re.DOTALL)


def parse_query(text: str) -> Query:
    """
    Read a query; one that is empty finds everything.

    Errors:
        ClientSideError: It is none, or beyond a limit.
    """
    _check_text(text)
    if not text.strip():
        return EVERYTHING
    try:
        query: Query = _parser().parse(text)  # type: ignore[assignment]  # the transformer makes queries of the trees
    except UnexpectedInput as error:
        _refuse(text, error)
    terms = tuple(_terms(query))
    if len(terms) > MAX_TERMS:
        raise ClientSideError(f"the query has {len(terms)} comparisons; at most {MAX_TERMS} are allowed")
    values = sum(len(term.values) for term in terms)
    if values > MAX_VALUES:
        raise ClientSideError(f"the query has {values} values; at most {MAX_VALUES} are allowed")
    return query


def _check_text(text: object) -> None:
    if not isinstance(text, str):
        raise ClientSideError(f"a query is a text, got {type(text).__name__}")
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise ClientSideError("the query holds a lone surrogate, which is not text") from None
    if size > MAX_QUERY_BYTES:
        raise ClientSideError(f"the query is {size} bytes long; at most {MAX_QUERY_BYTES} are allowed")
    if "\0" in text:
        raise ClientSideError(f"the query holds a NUL character at offset {text.index(chr(0))}")


def _terms(query: Query) -> Iterable[Term]:
    if isinstance(query, Term):
        yield query
    else:
        for part in query.parts:
            yield from _terms(part)


@cache
def _parser() -> Lark:
    # Made at the first query: a program that never searches does not wait for it.
    # Its lexer knows no context: a word of the language is one everywhere, so that errors name the right place.
    return Lark(_GRAMMAR, start="query", parser="lalr", lexer="basic", transformer=_Maker(), maybe_placeholders=False)


def _depth(query: Query) -> int:
    return 0 if isinstance(query, Term) else 1 + max((_depth(part) for part in query.parts), default=0)


def _joined(kind: type[AllOf] | type[AnyOf], parts: tuple[Query, ...]) -> Query:
    """Join parts, those of the same kind taken apart first; parentheses alone add no depth."""
    if len(parts) == 1:
        return parts[0]
    flat: list[Query] = []
    for part in parts:
        flat += part.parts if isinstance(part, kind) else (part,)
    joined = kind(tuple(flat))
    # Looked at as it grows: nothing that walks the query ever meets a deeper one.
    if _depth(joined) > MAX_DEPTH:
        raise ClientSideError(f"the query nests AND and OR more than {MAX_DEPTH} deep; write it flatter")
    return joined


@v_args(inline=True)
class _Maker(Transformer[Token, Query]):
    """Makes a query of each rule, from the innermost outwards."""

    def any_of(self, *parts: Query) -> Query:
        return _joined(AnyOf, parts)

    def all_of(self, *parts: Query) -> Query:
        return _joined(AllOf, parts)

    def opposite(self, query: Query) -> Query:
        return negated(query)

    def compare(self, name: str, sign: Token, value: Literal) -> Query:
        return Term(name, Operator("!=" if sign == "<>" else str(sign)), (value,))

    def among(self, name: str, *values: Literal) -> Query:
        return Term(name, Operator.IN, values)

    def not_among(self, name: str, *values: Literal) -> Query:
        return Term(name, Operator.NOT_IN, values)

    def between(self, name: str, low: Literal, high: Literal) -> Query:
        return Term(name, Operator.BETWEEN, (low, high))

    def not_between(self, name: str, low: Literal, high: Literal) -> Query:
        return Term(name, Operator.NOT_BETWEEN, (low, high))

    def starts(self, name: str, prefix: Literal) -> Query:
        return Term(name, Operator.STARTS_WITH, (prefix,))

    def not_starts(self, name: str, prefix: Literal) -> Query:
        return Term(name, Operator.NOT_STARTS_WITH, (prefix,))

    def missing(self, name: str) -> Query:
        return Term(name, Operator.IS_NULL)

    def present(self, name: str) -> Query:
        return Term(name, Operator.IS_NOT_NULL)

    def plain_name(self, token: Token) -> str:
        return str(token)

    def quoted_name(self, token: Token) -> str:
        return token[1:-1].replace("``", "`")

    def text(self, token: Token) -> str:
        return _ESCAPED.sub(_unescaped, token[1:-1])

    def number(self, token: Token) -> int | float:
        return _number(token)

    def true(self) -> bool:
        return True

    def false(self) -> bool:
        return False


def _unescaped(match: re.Match[str]) -> str:
    sign = match[1]
    return match[0][0] if sign is None else _ESCAPES.get(sign, sign)


def _number(token: Token) -> int | float:
    digits = token.lstrip("+-")
    if not digits.isdigit():
        number = float(token)
        if math.isfinite(number):
            return number
    elif len(digits) <= 400:
        return int(token)
    raise ClientSideError(f"{_place(token.line, token.column)}: {_shown(token)} is beyond all numbers")


# --- errors ----------------------------------------------------------------------------------------------------

_SHOWN = 40


def _refuse(text: str, error: UnexpectedInput) -> NoReturn:
    """Say where a query is wrong, and what was expected there."""
    if isinstance(error, UnexpectedToken):
        token, expected = error.token, error.accepts or error.expected
        is_end = token.type == "$END"
        found = "the query ends too early" if is_end else f"{_shown(token)} does not belong there"
        where = _end_of(text) if is_end else _place(token.line, token.column)
        hint = "" if is_end else _hint(token)
    elif isinstance(error, UnexpectedCharacters):
        # Nothing in the language begins like this, so there is nothing to expect.
        expected = set()
        rest = text[error.pos_in_stream :]
        where, found = _place(error.line, error.column), f"{_shown(rest)} does not belong there"
        hint = "; a text must end with the quote that it begins with" if rest[:1] in ("'", '"', "`") else ""
    else:
        raise error
    names = sorted({word for name in expected if (word := _WORDS.get(name, name)) is not None})
    wanted = f"; expected: {', '.join(names)}" if names else ""
    raise ClientSideError(f"the query is not understood at {where}: {found}{wanted}{hint}") from None


def _hint(token: Token) -> str:
    """Say what is not part of this language, to those who know it from another."""
    if token.upper() in ("ORDER", "GROUP", "LIMIT"):
        return f"; {token.upper()} is not supported: what is found comes in one order, open runs first"
    if token.type == "LPAR":
        return "; functions are not supported"
    if token.type == "NAME":
        return "; texts stand in quotes, and names that are words of the language in backticks"
    return ""


def _place(line: Any, column: Any) -> str:
    return f"line {line}, column {column}"


def _end_of(text: str) -> str:
    lines = text.rstrip().split("\n")
    return _place(len(lines), len(lines[-1]) + 1)


def _shown(text: str) -> str:
    shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
    return repr(str(shown))
