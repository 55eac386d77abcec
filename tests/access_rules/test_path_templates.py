"""Parse path templates strictly and match them against whole paths."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

import naive_access_rules
from safeconduct._core.path_templates import Template, TemplateTree, split_entry
from safeconduct.config.access import is_template
from safeconduct.errors import ConfigurationError


def found(template, parts):
    """Say whether *template*, alone in a tree, matches the path of *parts*."""
    tree = TemplateTree()
    tree.add(Template.parse(template).segments, template)
    return tree.find(parts) == [template]


@pytest.mark.parametrize(
    ("template", "path", "expected"),
    [
        ("/", "/", True),
        ("/", "/a", False),
        ("/a", "/a", True),
        ("/a", "/a/", False),
        ("/a", "/A", False),
        ("/a/", "/a/", True),
        ("/a/", "/a", False),
        ("/a/{x}", "/a/b", True),
        ("/a/{x}", "/a/", False),
        ("/a/{x}", "/a/b/c", False),
        ("/a/{x}/", "/a/b/", True),
        ("/{x}", "/", False),
        ("/a/{rest...}", "/a", True),
        ("/a/{rest...}", "/a/", True),
        ("/a/{rest...}", "/a/b/c/", True),
        ("/a/{rest...}", "/ab", False),
        ("/a/{rest...}", "/", False),
        ("/{rest...}", "/", True),
        ("/a/{x}/{rest...}", "/a", False),
        ("/a/{x}/{rest...}", "/a/b", True),
        ("/a/{x}/{rest...}", "/a/", False),
        ("/a.b", "/axb", False),
    ],
    ids=str,
)
def test_a_template_matches_whole(template, path, expected):
    assert expected == found(template, path[1:].split("/"))
    assert expected == naive_access_rules.matches(template, path)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "/a//b",
        "//",
        "/./a",
        "/a/..",
        "/{x}y",
        "/y{x}",
        "/{}",
        "/{1x}",
        "/{x",
        "/x}",
        "/{a...}/b",
        "/{x..}",
        "/{x:int}",
    ],
    ids=repr,
)
def test_what_is_no_template_is_refused(text):
    with pytest.raises(ConfigurationError) as caught:
        Template.parse(text)

    assert repr(text) in str(caught.value)


@given(st.text(alphabet="/ab{}.x%*?é ", max_size=12))
def test_whatever_the_configuration_takes_can_be_read(text):
    """Both parsers of templates agree, and raise nothing but ``ConfigurationError``."""
    try:
        template = Template.parse(text)
    except ConfigurationError:
        assert not is_template(text)
    else:
        assert text == template.text


part = st.text(alphabet="ab.~", min_size=1, max_size=3).filter(lambda text: text not in {".", ".."})


@given(
    st.lists(st.one_of(part, st.just("{x}")), max_size=4),
    st.booleans(),
    st.lists(st.text(alphabet="ab.~", max_size=3), min_size=1, max_size=5),
)
def test_it_matches_what_its_expression_matches(parts, is_open_ended, path):
    """A regular expression, derived independently, matches the same paths."""
    text = "/" + "/".join([*parts, *(["{rest...}"] if is_open_ended else [])])
    body = "/".join("[^/]+" if one == "{x}" else re.escape(one) for one in parts)
    expression = "/" + body
    if is_open_ended:
        expression = ("/" + body + "(/.*)?") if parts else "/.*"

    expected = re.fullmatch(expression, "/" + "/".join(path), re.DOTALL) is not None

    assert expected == found(text, path)
    assert expected == naive_access_rules.matches(text, "/" + "/".join(path))


def test_the_left_decides_first():
    """From the left, a literal takes precedence over a name, and a name over a rest."""
    texts = ["/a/b", "/a/b/{rest...}", "/a/{x}", "/a/{x}/{rest...}", "/a/{rest...}", "/{x}/b", "/{rest...}"]
    by_weight = sorted(texts, key=lambda text: Template.parse(text).specificity, reverse=True)

    assert texts == by_weight


def test_names_do_not_tell_two_apart():
    assert Template.parse("/a/{x}").shape == Template.parse("/a/{y}").shape
    assert Template.parse("/a/{x}").shape != Template.parse("/b/{x}").shape


@pytest.mark.parametrize(("entry", "expected"), [("/a", (None, "/a")), ("GET /a", ("GET", "/a"))], ids=str)
def test_an_entry_may_name_a_method(entry, expected):
    assert expected == split_entry(entry)


@pytest.mark.parametrize("entry", [" /a", "G(T /a", "GET  /a", "GET POST /a"], ids=repr)
def test_what_stands_before_a_path_is_a_method(entry):
    with pytest.raises(ConfigurationError):
        split_entry(entry)
