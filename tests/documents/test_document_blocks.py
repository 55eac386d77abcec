"""A wrong block makes the test of its document fail."""

import json
import subprocess
import tomllib

import pytest

from document_blocks import Page, languages
from safeconduct.errors import ConfigurationError


@pytest.fixture
def page(folder):
    """Return what makes a page of a text."""

    def write(text: str) -> Page:
        (folder / "page.md").write_text(text, "utf-8")
        return Page(folder / "page.md")

    return write


@pytest.mark.parametrize(
    ("language", "block", "error"),
    [
        ("python", "raise LookupError", LookupError),
        ("console", "$ false", AssertionError),
        ("console", "$ echo one\ntwo", pytest.fail.Exception),
        ("toml", "no table", tomllib.TOMLDecodeError),
        ("toml", "[safeconduct]\nstore = 'nowhere://'", ConfigurationError),
        ("json", "{1}", json.JSONDecodeError),
        ("sh", "for", subprocess.CalledProcessError),
    ],
    ids=["python", "exit status", "output", "toml", "configuration", "json", "sh"],
)
def test_what_is_wrong_on_a_page_is_seen(page, language, block, error):
    """A page with a wrong block fails, whatever the language."""
    wrong = page(f"```{language}\n{block}\n```\n")

    with pytest.raises(error):
        wrong.run()


def test_blocks_of_a_page_build_on_each_other(page, folder):
    """The blocks of a page build on each other: a file, an import of it, and a command."""
    story = page(
        "<!-- file: told.py -->\n```python\nWHO = 'alice'\n```\n\n"
        "```python\nfrom told import WHO\n```\n\n"
        "```python\nassert WHO == 'alice'\n```\n\n"
        "```console\n$ python -c 'import told; print(told.WHO, 1234)'\nalice ...\n```\n",
    )

    story.run()

    assert "WHO = 'alice'\n" == (folder / "told.py").read_text("utf-8")


def test_a_page_does_not_hear_of_the_one_before_it(page):
    """A module that one page wrote is not visible to the next."""
    page("<!-- file: told.py -->\n```python\nWHO = 1\n```\n\n```python\nimport told\n```\n").run()
    second = page(
        "<!-- file: told.py -->\n```python\nWHO = 22\n```\n\n```python\nimport told\nassert told.WHO == 22\n```\n"
    )

    second.run()


def test_a_block_can_be_left_out_for_a_reason(page):
    """The page gives the reason."""
    left_out = page("<!-- not run: it needs a network -->\n```python\nraise LookupError\n```\n")

    left_out.run()


def test_a_block_cannot_be_left_out_without_a_reason(page):
    """An unknown comment changes nothing."""
    silent = page("<!-- not run -->\n```python\nraise LookupError\n```\n")

    with pytest.raises(LookupError):
        silent.run()


def test_languages_are_read_from_the_opening_fences(page):
    """Misspelt languages and fences without one are listed too."""
    assert {"pyhton", ""} == languages(page("```pyhton\n```\n\n```\ntext\n```\n").path)
