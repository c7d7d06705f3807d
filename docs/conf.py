"""How Sphinx builds the documentation: offline, from these pages and the docstrings."""

from __future__ import annotations

from importlib.metadata import version as installed
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "leadfold"
author = "The leadfold developers"
project_copyright = "The leadfold developers, MIT licence"
version = release = installed("leadfold")

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]
myst_heading_anchors = 3

nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 120
nb_merge_streams = True

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
default_role = "code"
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 80

html_theme = "furo"
html_title = f"leadfold {version}"
html_show_sphinx = False
html_static_path = ["_static"]
html_css_files = ["frames.css"]


def _tidy(  # noqa: PLR0917 - the arguments Sphinx passes
    app: Sphinx,
    what: str,
    name: str,
    found: object,
    options: object,
    signature: str | None,
    returned: str | None,
) -> tuple[str | None, str | None]:
    """Show the default that attrs computes as ``...``, not as the name of its marker."""
    del app, what, name, found, options
    return signature and signature.replace("NOTHING", "..."), returned


_KEPT: dict[str, list[str]] = {}


def _keep(  # noqa: PLR0917 - the arguments Sphinx passes
    app: Sphinx, what: str, name: str, found: object, options: object, lines: list[str]
) -> None:
    """Keep a property's docstring: napoleon takes what is before its first colon for a type."""
    del app, found, options
    if what == "property":
        _KEPT[name] = lines[:]


def _tables(  # noqa: PLR0917 - the arguments Sphinx passes
    app: Sphinx, what: str, name: str, found: object, options: object, lines: list[str]
) -> None:
    """Turn the Markdown tables of a docstring, which read well in an editor, into reST's."""
    del app, what, found, options
    lines[:] = _KEPT.pop(name, lines)
    rows = [number for number, line in enumerate(lines) if line.startswith("| ")]
    if not rows:
        return
    table = [".. list-table::", "   :header-rows: 1", ""]
    for number in rows:
        first, *cells = (cell.strip() for cell in lines[number].strip("| ").split(" | "))
        table += [f"   * - {first}", *(f"     - {cell}" for cell in cells)]
    lines[rows[0] : rows[-1] + 1] = table


def setup(app: Sphinx) -> None:
    """Register what this file adds to Sphinx."""
    app.connect("autodoc-process-signature", _tidy)
    app.connect("autodoc-process-docstring", _keep, priority=100)
    app.connect("autodoc-process-docstring", _tables, priority=900)
