"""How the documents become a site; the pages are plain Markdown and can be read without one."""

project = "safeconduct"
author = "the safeconduct authors"
extensions = ["myst_parser"]
html_theme = "furo"
html_title = "safeconduct"

# A link to a heading is checked like a link to a page.
myst_heading_anchors = 4
nitpicky = True
