"""Writes the reference from the source: one page per room, one entry per public name.

``python docs/reference/build.py`` writes the pages, ``--check`` says whether they are up to date.
It reads the source and imports nothing of it, so that every Python writes the same pages.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import ClassVar

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PACKAGE = ROOT / "iwf_py"

ROOMS = {
    "authoring": ("Authoring", "What users write: workflows, states, decisions, commands, schemas, RPCs."),
    "client": ("Client", "What calls workflows."),
    "embedded": ("Embedded", "Engine, worker, alarm and client in one process."),
    "serving": ("Server", "The iWF protocol over HTTP, on a database of its own."),
    "worker": ("Worker", "User code that a server calls over HTTP."),
    "wire": ("Wire", "How the protocol travels."),
    "extension": ("Flask extension", "Durable workflows for Flask applications."),
    "model": ("Values", "The words that everyone speaks: options, policies, statuses, descriptions."),
    "codec": ("Converters", "How values become payloads."),
    "errors": ("Errors", "Everything that iwf_py raises."),
    "testing": ("Testing", "What users' tests are written with; imported from `iwf_py.testing`."),
    "": ("The package", "The rest."),
}
# What no source says.
BY_HAND = {"http.md"}
SECTION = re.compile(r"^(Args|Attributes|Errors|Returns|Source|Yields):(.*)$")


@cache
def homes(face: str = "iwf_py") -> dict[str, str]:
    """Read a face: each public name, and the module it comes from."""
    tree = ast.parse(ROOT.joinpath(*face.split("."), "__init__.py").read_text())
    found = {
        alias.asname or alias.name: node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("iwf_py.")
        for alias in node.names
    }
    names = next(
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign | ast.AnnAssign)
        and node.value is not None
        and "__all__"
        in {getattr(t, "id", "") for t in (node.targets if isinstance(node, ast.Assign) else [node.target])}
    )
    return {name: found.get(name, face) for name in names}


class Module:
    """One module's source, by name of what it defines; names that it only passes on are looked up where they come from."""

    _known: ClassVar[dict[str, Module]] = {}

    def __init__(self, name: str) -> None:
        path = ROOT.joinpath(*name.split("."))
        self.name = name
        self.text = (path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).read_text()
        self.lines = self.text.encode().split(b"\n")
        self.tree = ast.parse(self.text)

    @classmethod
    def of(cls, name: str) -> Module:
        """Read a module once."""
        if name not in cls._known:
            cls._known[name] = cls(name)
        return cls._known[name]

    def find(self, name: str) -> tuple[Module, ast.stmt]:
        """Find a definition, here or in the module of ours that it is imported from."""
        for node in self.tree.body:
            if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name == name:
                return self, node
            targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
            if isinstance(node, ast.Assign | ast.AnnAssign) and name in {getattr(t, "id", None) for t in targets}:
                return self, node
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("iwf_py"):
                for alias in node.names:
                    if (alias.asname or alias.name) == name:
                        return Module.of(node.module or "").find(alias.name)
        raise LookupError(f"{self.name} does not define {name}")

    def source(self, node: ast.expr | ast.stmt) -> str:
        """Give a node's source on one line."""
        # By hand: ast.get_source_segment splits the whole module for each node.
        first, last = node.lineno - 1, node.end_lineno
        lines = self.lines[first:last]
        lines[-1] = lines[-1][: node.end_col_offset]
        lines[0] = lines[0][node.col_offset :]
        return re.sub(r"\s*\n\s*", " ", b"\n".join(lines).decode()).replace("( ", "(")

    def signature(self, function: ast.FunctionDef, name: str, *, drop_self: bool) -> str:
        """Write a function's head in one line."""
        arguments = function.args
        positional = [*arguments.posonlyargs, *arguments.args]
        defaults: list[ast.expr | None] = [None] * (len(positional) - len(arguments.defaults)) + list(
            arguments.defaults
        )
        parts = [self._argument(a, d) for a, d in zip(positional, defaults, strict=True)]
        if arguments.posonlyargs:
            parts.insert(len(arguments.posonlyargs), "/")
        if drop_self and parts:
            parts = parts[1:]
        if arguments.vararg:
            parts.append("*" + self._argument(arguments.vararg, None))
        elif arguments.kwonlyargs:
            parts.append("*")
        parts += [self._argument(a, d) for a, d in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)]
        if arguments.kwarg:
            parts.append("**" + self._argument(arguments.kwarg, None))
        returns = f" -> {self.source(function.returns)}" if function.returns else ""
        return f"{name}({', '.join(parts)}){returns}"

    def _argument(self, argument: ast.arg, default: ast.expr | None) -> str:
        text = argument.arg
        if argument.annotation:
            text += f": {self.source(argument.annotation)}"
        if default is not None:
            text += f"{' = ' if argument.annotation else '='}{self.source(default)}"
        return text


def prose(docstring: str | None) -> list[str]:
    """Turn a docstring into Markdown: its sections become headed lists, what is set in becomes a fence."""
    lines: list[str] = []
    in_section = in_code = False
    for line in (docstring or "").strip().splitlines():
        text = line.strip()
        heading = SECTION.match(line)
        if in_code and text and not line.startswith("    "):
            # A blank line before the end of the code belongs behind it.
            while not lines[-1]:
                lines.pop()
            lines += ["```", ""]
            in_code = False
        if heading:
            in_section = True
            lines += [f"*{heading[1]}*", ""] + ([f"* {heading[2].strip()}"] if heading[2].strip() else [])
        elif in_section and text and line.startswith("    "):
            lines.append(_list_line(line, lines))
        elif in_section and not text:
            continue
        elif line.startswith("    ") and not in_section:
            lines += ([] if in_code else ["```py"]) + [line[4:]]
            in_code = True
        else:
            in_section = False
            lines.append(text)
    return [*lines, "```"] if in_code else lines


def _list_line(line: str, lines: list[str]) -> str:
    text = line.strip()
    item = re.match(r"^(\*{0,2}[\w, ]+): (.*)$", text) if len(line) - len(line.lstrip()) == 4 else None
    if item:
        return f"* `{item[1]}`: {item[2]}"
    return f"  {text}" if lines and lines[-1].startswith(("* ", "  ")) else f"* {text}"


def first_sentence(docstring: str | None) -> str:
    """Give the sentence that stands alone."""
    return " ".join(line.strip() for line in (docstring or "").strip().split("\n\n")[0].splitlines())


def entry(name: str, home: str) -> list[str]:
    """Write one name's entry."""
    module, node = Module.of(home).find(name) if home != "iwf_py" else (Module.of(home), None)
    lines = [f"## `{name}`", ""]
    if isinstance(node, ast.FunctionDef):
        lines += [
            "```py",
            module.signature(node, name, drop_self=False),
            "```",
            "",
            *prose(ast.get_docstring(node)),
            "",
        ]
    elif isinstance(node, ast.ClassDef):
        lines += class_entry(module, node, name)
    elif isinstance(node, ast.Assign | ast.AnnAssign):
        lines += ["```py", module.source(node), "```", ""]
        following = module.tree.body[module.tree.body.index(node) + 1 :][:1]
        if following and isinstance(following[0], ast.Expr) and isinstance(following[0].value, ast.Constant):
            lines += [*prose(str(following[0].value.value)), ""]
    return lines


def members(module: Module, node: ast.ClassDef) -> Iterator[tuple[Module, ast.stmt]]:
    """Go through what a class has, what it inherits from classes that have no entry of their own included."""
    for base in node.bases:
        name = base.value if isinstance(base, ast.Subscript) else base
        if isinstance(name, ast.Name) and name.id not in homes():
            with contextlib.suppress(LookupError):
                where, inherited = module.find(name.id)
                if isinstance(inherited, ast.ClassDef):
                    yield from members(where, inherited)
    for member in node.body:
        yield module, member


def decorators_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    """Tell the names of a function's decorators."""
    return {getattr(d, "id", getattr(d, "attr", "")) for d in function.decorator_list}


def class_entry(module: Module, node: ast.ClassDef, name: str) -> list[str]:
    """Write a class: how it is made, what it is, what it has, what it can do."""
    has = list(members(module, node))
    bases = [module.source(base) for base in node.bases]
    inits = [(m, n) for m, n in has if isinstance(n, ast.FunctionDef) and n.name == "__init__"]
    init = next(((m, n) for m, n in inits if "overload" not in decorators_of(n)), None)
    head = f"class {name}({', '.join(bases)})" if bases else f"class {name}"
    lines = ["```py", head]
    if init:
        lines.append(init[0].signature(init[1], name, drop_self=True).removesuffix(" -> None"))
    lines += ["```", "", *prose(ast.get_docstring(node)), ""]
    fields = [
        m.source(n)
        for m, n in has
        if (isinstance(n, ast.AnnAssign) and isinstance(n.target, ast.Name) and not n.target.id.startswith("_"))
        or (isinstance(n, ast.Assign) and not getattr(n.targets[0], "id", "_").startswith("_"))
    ]
    if fields:
        lines += ["```py", *fields, "```", ""]
    for origin, method in has:
        if not isinstance(method, ast.FunctionDef | ast.AsyncFunctionDef) or method.name.startswith("_"):
            continue
        decorators = decorators_of(method)
        if "overload" in decorators or "setter" in decorators:
            continue
        sentence = first_sentence(ast.get_docstring(method))
        if decorators & {"property", "cached_property"}:
            returns = f": {origin.source(method.returns)}" if method.returns else ""
            lines += [f"* `{method.name}{returns}` — {sentence}"]
        else:
            head = origin.signature(method, method.name, drop_self="staticmethod" not in decorators)  # type: ignore[arg-type]  # async heads read alike
            lines += [f"* `{head}` — {sentence}"]
    return [*lines, ""]


def room_of(home: str) -> str:
    """Tell the room that a module stands in."""
    room = home.removeprefix("iwf_py").lstrip(".").partition(".")[0]
    return room if room in ROOMS else ""


def pages() -> dict[Path, str]:
    """Write all pages."""
    rooms: dict[str, list[str]] = defaultdict(list)
    where = homes() | homes("iwf_py.testing")
    for name, home in where.items():
        rooms[room_of(home)].append(name)
    result = {}
    index = [
        "# Reference",
        "",
        "Every public name of `iwf_py`, by the room it lives in.",
        "All of them are imported from `iwf_py` itself, but for those of `iwf_py.testing`.",
        "The pages are written from the source by `docs/reference/build.py`.",
        "",
    ]
    for room, (title, what) in ROOMS.items():
        names = sorted(rooms.get(room, []))
        if not names:
            continue
        page = f"{room or 'package'}.md"
        index += [
            f"## {title}",
            "",
            what,
            "",
            f"See [{title}]({page}): " + ", ".join(f"`{n}`" for n in names) + ".",
            "",
        ]
        lines = [f"# {title}", "", what, ""]
        for name in names:
            lines += entry(name, where[name])
        result[HERE / page] = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).rstrip() + "\n"
    result[HERE / "README.md"] = "\n".join(index).rstrip() + "\n"
    return result


def main() -> int:
    """Write the pages, or compare them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a page is out of date")
    check = parser.parse_args().check
    written = pages()
    stale = [path for path, text in written.items() if not path.exists() or path.read_text() != text]
    extra = [path for path in HERE.glob("*.md") if path not in written and path.name not in BY_HAND]
    if check:
        for path in [*stale, *extra]:
            print(f"{path.relative_to(ROOT)} is out of date: run python docs/reference/build.py", file=sys.stderr)
        return 1 if stale or extra else 0
    for path, text in written.items():
        path.write_text(text)
    for path in extra:
        path.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())
