"""
The pages that are written from the source: every module, and every field of the configuration.

After a change: ``python tests/support/written_pages.py``.
"""

import ast
from pathlib import Path

import configuration_page

PROJECT = Path(__file__).parent.parent.parent
SOURCE = PROJECT / "src"
MODULE_MAP = PROJECT / "docs/explanation/module-map.md"
MARK = "<!-- The rest is written by tests/support/written_pages.py. -->\n"


def module_rows() -> dict[str, str]:
    """Return every module with the first line of its docstring."""
    rows = {}
    for file in sorted((SOURCE / "safeconduct").rglob("*.py")):
        docstring = ast.get_docstring(ast.parse(file.read_text("utf-8"))) or ""
        rows[file.relative_to(SOURCE / "safeconduct").as_posix()] = docstring.partition("\n")[0].replace("``", "`")
    return rows


def module_map(page: str) -> str:
    """Return the module map *page* with its tables written anew."""
    folders: dict[str, list[str]] = {}
    for path, purpose in module_rows().items():
        folders.setdefault(path.rpartition("/")[0], []).append(f"| `{path}` | {purpose} |")
    tables = [
        f"### {f'`{folder}`' if folder else 'Public modules'}\n\n| file | purpose |\n|---|---|\n" + "\n".join(rows)
        for folder, rows in folders.items()
    ]
    return page.partition(MARK)[0] + MARK + "\n## Files\n\n" + "\n\n".join(tables) + "\n"


def main() -> None:
    """Write the pages."""
    configuration_page.CONFIGURATION.write_text(configuration_page.page(), "utf-8")
    MODULE_MAP.write_text(module_map(MODULE_MAP.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main()
