"""
Check an installation of the wheel without any extra: it is whole, it imports, it says what it lacks.

A script and no test, since it runs where neither pytest nor anything else is installed: ``tox -e bare``.
"""

import importlib.util
import subprocess
import sys
from pathlib import Path

SOURCE = Path(__file__).parent.parent.parent / "src" / "safeconduct"
EXTRAS = (
    "argon2", "bottle", "click", "django", "falcon", "fastapi", "flask", "httpx2", "litestar", "opentelemetry",
    "prometheus_client", "pyramid", "quart", "starlette", "uvicorn", "waitress",
)  # fmt: skip


def the_environment_is_bare() -> None:
    """Fail if an extra is installed, because then this script would show nothing."""
    present = [name for name in EXTRAS if importlib.util.find_spec(name)]
    assert [] == present, present


def the_wheel_is_whole() -> None:
    """Every file of the package is in the wheel, also the Lua scripts and ``py.typed``."""
    import safeconduct  # noqa: PLC0415 - the subject of this script

    installed = Path(safeconduct.__file__).parent
    assert SOURCE != installed, "this is not the wheel"
    wanted = {file.relative_to(SOURCE) for file in SOURCE.rglob("*") if file.is_file() and file.suffix != ".pyc"}
    found = {file.relative_to(installed) for file in installed.rglob("*") if file.is_file() and file.suffix != ".pyc"}
    assert wanted == found, sorted(wanted ^ found)
    assert Path("py.typed") in found
    assert any(file.suffix == ".lua" for file in found)


def every_public_name_is_there() -> None:
    """Nothing of the core needs an extra."""
    import safeconduct  # noqa: PLC0415 - the subject of this script

    for name in safeconduct.__all__:
        getattr(safeconduct, name)


def the_command_line_names_its_extra() -> None:
    """One sentence, and no traceback."""
    command = [sys.executable, "-I", "-m", "safeconduct"]
    finished = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert finished.returncode != 0
    assert "safeconduct[cli]" in finished.stderr, finished.stderr
    assert len(finished.stderr.strip().splitlines()) == 1, finished.stderr


for check in (
    the_environment_is_bare,
    the_wheel_is_whole,
    every_public_name_is_there,
    the_command_line_names_its_extra,
):
    check()
    print(check.__name__.replace("_", " "))
