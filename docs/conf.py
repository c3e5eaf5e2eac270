"""How Sphinx builds the documentation: ``make docs``."""

from importlib.metadata import version as version_of

project = "napari-bravais"
author = "The napari-bravais developers"
version = release = version_of("napari-bravais")
extensions = ["myst_parser"]
myst_heading_anchors = 3
exclude_patterns = ["_build", "signal-in-memory.ipynb"]
# the tables under fingerprint/ are linked from their page, and written by a command
suppress_warnings = ["toc.not_included"]
html_theme = "pydata_sphinx_theme"
html_theme_options = {"show_prev_next": True, "navigation_with_keys": False}
html_show_sourcelink = False
