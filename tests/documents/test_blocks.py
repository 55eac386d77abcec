"""
Everything in the documents that can be run is run, in the order in which it is read.

One document is one test: its blocks share a namespace and an empty folder, which is the working directory.

=============  ==================================================================================================
``python``     is executed; an exception or a failing ``assert`` fails the test
``console``    each line after ``$`` is run by bash and must succeed; output below it, if any, must match (``...``)
``toml``       must be TOML; a whole configuration (a table ``safeconduct``) must be one that ``Config`` accepts
``json``       must be JSON
``sh``         is for people and ``.ci/run``: what sets up a machine; must be valid bash
``text`` etc.  is looked at only
=============  ==================================================================================================

A comment right above a block says more: ``<!-- file: app.py -->`` writes the block to that file, so that a later one
can use it, ``<!-- append: app.py -->`` to the end of that file, and ``<!-- not run: reason -->`` leaves it out.
"""

import pytest

from document_blocks import LOOKED_AT, RUN, Page, documents, languages

PAGES = documents()


@pytest.mark.parametrize("page", PAGES, ids=str)
@pytest.mark.usefixtures("folder")
def test_every_block_runs(page: Page):
    """Running the blocks of a page in order gives what the page says."""
    page.run()


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_block_has_a_language_that_is_known(page: Page):
    """A misspelt language would be a block that nobody runs."""
    assert set() == languages(page.path) - RUN.keys() - LOOKED_AT


def test_there_are_documents():
    """The tests of this file see the documents."""
    assert "README.md" in {str(page) for page in PAGES}
