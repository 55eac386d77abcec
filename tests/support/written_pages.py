"""
The pages that are written from the source: every public name, and every module.

After a change: ``python tests/support/written_pages.py``.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).parent.parent.parent
SOURCE = PROJECT / "src"
PYTHON_API = PROJECT / "docs/reference/python-api.md"
MODULE_MAP = PROJECT / "docs/explanation/module-map.md"
#: Public modules, with the names to show; None: all of them.
PUBLIC_MODULES = {
    # What else they define serves the faces and the command line.
    "asgi": ["AuthMiddleware"],
    "wsgi": ["AuthMiddleware"],
    "flask": None,
    "starlette": None,
    "principal": None,
    "errors": None,
    "events": None,
    "testing": None,
}
#: What an ``Auth`` makes, or what the adapters alone call: their signatures name types that are nobody's but ours.
NOT_FOR_USERS = {
    "AsyncSessions.__init__",
    "Sessions.__init__",
    "Auth.asgi_gate",
    "Auth.wsgi_gate",
    "RevocationReceipt.of",
}
#: Private types in signatures, and the public one that a user passes.
STANDS_FOR = {"GateKeeper": "Auth", "_BEGINNING_SECONDS": "..."}
MARK = "<!-- from here on written by tests/support/written_pages.py -->\n"

_SECTION = re.compile(r"^(Args|Returns|Raises):$")
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True)
class Module:
    """A module's source, and its tree."""

    name: str
    lines: list[str]
    tree: ast.Module

    @classmethod
    def read(cls, name: str) -> "Module":
        module_path = SOURCE / name.replace(".", "/")
        text = (module_path / "__init__.py" if module_path.is_dir() else module_path.with_suffix(".py")).read_text(
            "utf-8"
        )
        return cls(name, text.splitlines(), ast.parse(text))

    def find(self, name: str) -> tuple["Module", ast.stmt]:
        """Return where *name* is defined, and its statement."""
        for node in self.tree.body:
            if isinstance(node, ast.ImportFrom) and name in [alias.name for alias in node.names]:
                return Module.read(node.module).find(name)
            if name in _named(node):
                return self, node
        raise LookupError(f"{self.name} has no {name}")

    def public(self) -> list[str]:
        """Return the names in ``__all__``, else those of classes and functions without an underscore."""
        for node in self.tree.body:
            if _named(node) == ["__all__"]:
                return ast.literal_eval(node.value)
        defined = [node.name for node in self.tree.body if isinstance(node, (*_FUNCTIONS, ast.ClassDef))]
        return [name for name in defined if not name.startswith("_")]


def _named(node: ast.stmt) -> list[str]:
    match node:
        case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
            return [name]
        case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
            return [name]
        case _:
            return []


def python_api() -> str:
    """Return the page of every public name."""
    package = Module.read("safeconduct")
    parts = ["# Python", "Every public name; what begins with an underscore is nobody's but ours.", _how()]
    parts += ["## `safeconduct`", *(_entry(package, name) for name in package.public())]
    for name, shown in PUBLIC_MODULES.items():
        module = Module.read(f"safeconduct.{name}")
        parts += [f"## `safeconduct.{name}`", _prose(ast.get_docstring(module.tree)).partition("\n")[0]]
        parts += [_entry(module, public) for public in shown or module.public()]
    return "\n\n".join(part for part in parts if part) + "\n"


def _how() -> str:
    return "This page is written from the docstrings: `python tests/support/written_pages.py`."


def _entry(module: Module, name: str) -> str:
    home, node = module.find(name)
    match node:
        case ast.ClassDef():
            return "\n\n".join([f"### `{name}{_of_class(node)}`", *_class(home, node)])
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            return f"### `{_signature(node)}`\n\n{_prose(ast.get_docstring(node))}"
        case _:
            return f"### `{ast.unparse(node)}`"


def _of_class(node: ast.ClassDef) -> str:
    bases = [ast.unparse(base) for base in node.bases]
    return f"({', '.join(bases)})" if bases else ""


def _class(module: Module, node: ast.ClassDef) -> Iterator[str]:
    doc = _prose(ast.get_docstring(node))
    if module.name.startswith("safeconduct.config"):
        # The reference of the configuration has every field.
        yield doc.partition("\nAttributes:")[0].strip()
        yield "Its fields: [configuration](configuration.md)."
        fields = []
    else:
        yield doc
        fields = [_field(module, each) for each in node.body if isinstance(each, ast.AnnAssign)]
    if fields:
        yield "\n".join(fields)
    for each in node.body:
        if isinstance(each, _FUNCTIONS) and _is_shown(node, each):
            doc = _prose(ast.get_docstring(each))
            yield f"**`{_signature(each)}`**" + (f"\n\n{doc}" if doc else "")


def _is_shown(owner: ast.ClassDef, each: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    is_public = each.name == "__init__" or not each.name.startswith("_")
    return is_public and f"{owner.name}.{each.name}" not in NOT_FOR_USERS


def _field(module: Module, node: ast.AnnAssign) -> str:
    above, at = [], node.lineno - 2
    while module.lines[at].strip().startswith("#:"):
        above.insert(0, module.lines[at].strip().removeprefix("#:").strip())
        at -= 1
    return f"- `{ast.unparse(node)}`" + (f": {' '.join(above)}" if above else "")


def _signature(node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    signature = _written_signature(node)
    for private, public in STANDS_FOR.items():
        signature = signature.replace(private, public)
    return signature


def _written_signature(node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    decorators = [ast.unparse(each) for each in node.decorator_list]
    if "property" in decorators:
        return f"{node.name}: {ast.unparse(node.returns)}"
    arguments = ast.unparse(node.args).removeprefix("self, ").removeprefix("self")
    arguments = arguments.removeprefix("cls, ").removeprefix("cls")
    head = "await " if isinstance(node, ast.AsyncFunctionDef) else ""
    if node.name == "__init__":
        return f"({arguments})"
    return f"{head}{node.name}({arguments}) -> {ast.unparse(node.returns)}"


def _prose(docstring: str | None) -> str:
    """Return a docstring as Markdown: its sections become lists."""
    out: list[str] = []
    in_section = False
    for line in (docstring or "").replace("``", "`").splitlines():
        if section := _SECTION.match(line):
            out += [f"{section[1]}:", ""]
            in_section = True
        elif in_section and line.startswith("    ") and not line.startswith("     "):
            name, colon, rest = line.strip().partition(": ")
            out.append(f"- `{name}`: {rest}" if colon and " " not in name else f"- {line.strip()}")
        elif in_section and line.startswith("     "):
            out[-1] += f" {line.strip()}"
        else:
            out.append("```text" if line == "::" else line)
    if "```text" in out:
        # The one drawing of a docstring ends at the first line that is not indented.
        begin = out.index("```text")
        end = next((at for at in range(begin + 2, len(out)) if out[at] and not out[at].startswith(" ")), len(out))
        out.insert(end, "```\n")
    return "\n".join(out).strip()


def module_rows() -> dict[str, str]:
    """Return every module that says something, with what it says of itself."""
    rows = {}
    for file in sorted((SOURCE / "safeconduct").rglob("*.py")):
        doc = ast.get_docstring(ast.parse(file.read_text("utf-8"))) or ""
        rows[file.relative_to(SOURCE / "safeconduct").as_posix()] = doc.partition("\n")[0].replace("``", "`")
    return rows


def module_map(page: str) -> str:
    """Return the module map *page* with its tables written anew."""
    by_folder: dict[str, list[str]] = {}
    for path, doc in module_rows().items():
        by_folder.setdefault(path.rpartition("/")[0], []).append(f"| `{path}` | {doc} |")
    tables = [
        f"### {f'`{folder}`' if folder else 'The root: public'}\n\n| file | is |\n|---|---|\n" + "\n".join(rows)
        for folder, rows in by_folder.items()
    ]
    return page.partition(MARK)[0] + MARK + "\n## Files\n\n" + "\n\n".join(tables) + "\n"


def main() -> None:
    """Write both pages."""
    PYTHON_API.write_text(python_api(), "utf-8")
    MODULE_MAP.write_text(module_map(MODULE_MAP.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main()
