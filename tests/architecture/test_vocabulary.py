"""Names and prose use the field's standard terms (style rules 3 and 7)."""

import ast

import pytest

from project_files import parsed, python_files
from vocabulary import FOLDERS, documents, prose, relative, wrong_names, wrong_parts, wrong_phrases


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("class SessionRooms: ...", ["rooms"]),
        ("def visit_count(): ...", ["visit"]),
        ("def f(stranger, *, keeping=None): ...", ["keeping", "stranger"]),
        ("reaches = 1", ["reaches"]),
        ("self._standing = 1", ["standing"]),
        ("type_ = 1\nPlace = int", ["Place"]),
        ("import a as folk", ["folk"]),
        ("told = 1", ["told"]),
        ("headroom = outstanding = Roomy = placed = retold = 1", []),
    ],
    ids=["class", "function", "arguments", "variable", "attribute", "alias", "import", "whole name", "other words"],
)
def test_a_wrong_name_is_found(source, expected):
    """Every kind of name is checked, word by word."""
    found = wrong_names(ast.parse(source), "src/safeconduct/x.py")

    assert expected == sorted(line.partition(": ")[2].partition(" ->")[0] for line in found)


def test_a_wrong_file_or_folder_is_found():
    assert ["src/vouching/wire.py: vouching -> validity_check", "src/vouching/wire.py: wire -> pool"] == wrong_parts(
        "src/vouching/wire.py"
    )
    assert [] == wrong_parts("docs/how-to/close-websockets.md")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The rooms of a session.", {"metaphor": "rooms"}),
        ("It follows from the reach.", {"reach as a noun": "the reach"}),
        ("Take the short way.", {"short or long way": "short way"}),
        ("Its key is the own key.", {"the own": "the own"}),
        ("A user who signs in proves himself.", {"he or she": "himself"}),
        ("Refuse whoever asks.", {"whoever": "whoever"}),
        ("It is nobody's fault.", {"nobody's": "nobody's"}),
        ("What is kept of a session.", {"what is": "what is"}),
        ("A long-standing rule: no request reaches what is an application with its own headroom.", {}),
    ],
    ids=["metaphor", "reach", "way", "own", "pronoun", "whoever", "nobody", "what is", "plain"],
)
def test_a_wrong_phrase_is_found(text, expected):
    assert expected == wrong_phrases(text)


def test_prose_is_read_from_code_and_pages(tmp_path):
    """A phrase is found across two lines, and code is no prose."""
    page, module = tmp_path / "a.md", tmp_path / "a.py"
    page.write_text("# The short\n\n```python\nhis = 1\n```\n\nThe `her` short\nway.\n", "utf-8")
    module.write_text('"""A desk."""\n\nhis = 1  # the own\n# key\n', "utf-8")

    assert [{}, {"short or long way": "short way"}] == [wrong_phrases(text) for _, text in prose(page)]
    assert [{"metaphor": "desk"}, {"the own": "the own"}] == [wrong_phrases(text) for _, text in prose(module)]


def test_names_are_standard_terms():
    """A reader who knows OAuth, Starlette and Redis guesses each name before opening the file."""
    files = [*python_files(*FOLDERS), *documents()]
    found = [line for file in files for line in wrong_parts(relative(file))]
    found += [line for file in python_files(*FOLDERS) for line in wrong_names(parsed(file), relative(file))]

    assert [] == found


def test_prose_is_plain_english():
    """No metaphor needs a glossary, and nobody is assumed to be a man."""
    found = [
        f"{relative(file)}:{line} {rule}: {phrase}"
        for file in [*python_files(*FOLDERS), *documents()]
        for line, text in prose(file)
        for rule, phrase in wrong_phrases(text).items()
    ]

    assert [] == found
