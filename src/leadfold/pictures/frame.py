"""The frame of every picture: an SVG document with its own paper and ink, for light and dark.

It has a background of its own, for an image in a page cannot know what it lies on. In a notebook
paper and ink are the theme's, elsewhere they follow what the reader's system prefers; all other
colours show on either.
"""

from __future__ import annotations

from html import escape

__all__ = ["framed"]

_PAPER = "var(--jp-layout-color0,var(--vscode-editor-background,{}))"
_INK = "var(--jp-content-font-color1,var(--vscode-editor-foreground,{}))"


def _theme(paper: str, ink: str) -> str:
    return f"--lf-paper:{_PAPER.format(paper)};color:{_INK.format(ink)}"


# Each & is the class of the document, so that in a notebook it touches nothing else.
_STYLE = (
    f"&{{{_theme('#ffffff', '#1f2328')};max-width:100%;height:auto;"
    "--lf-line:#8892a0;--lf-strong:#4a8fc7;--lf-stop:#c9812c}"
    f"@media (prefers-color-scheme:dark){{&{{{_theme('#0f1419', '#e6edf3')}}}}}"
    """& .lf-paper{fill:var(--lf-paper)}
& .lf-graph text{fill:currentColor;font:13px system-ui,-apple-system,'Segoe UI',sans-serif}
& .lf-graph .lf-title{font-weight:600}
& .lf-graph .lf-small{font-size:11px;opacity:.75}
& .lf-graph .lf-halo{paint-order:stroke;stroke:var(--lf-paper);stroke-width:4px}
& .lf-graph :is(path,line,rect){fill:none;stroke:var(--lf-line);stroke-width:1.2}
& .lf-graph rect.lf-joins{fill:rgba(74,143,199,.16);stroke:var(--lf-strong);stroke-width:1.6}
& .lf-graph .lf-line-joins{stroke:var(--lf-strong);stroke-width:2}
& .lf-graph .lf-line-stopped{stroke:var(--lf-stop);stroke-dasharray:5 4}
& .lf-graph rect.lf-group{stroke:var(--lf-stop);stroke-dasharray:5 4}
"""
).replace("&", ".lf-picture")


def framed(inside: str, width: float, height: float, title: str) -> str:
    """Return the markup *inside* as an SVG document of this size, on its own paper."""
    size = f'width="{width:.0f}" height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="lf-picture" role="img" {size}>'
        f"<title>{escape(title)}</title><style>{_STYLE}</style>"
        f'<rect class="lf-paper" width="100%" height="100%" rx="6"/>{inside}</svg>'
    )
