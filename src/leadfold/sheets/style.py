"""The one style sheet of what notebooks show. It touches nothing outside the element it is in.

Ink and background are the page's own (a notebook's theme, a browser's dark mode): text inherits
its colour, lines and muted text are greys that show on both, and only marks have a colour. So it
is right under every theme, also one that is not what the system prefers.
"""

from __future__ import annotations

__all__ = ["SCOPE", "STYLE"]

SCOPE = "leadfold-sheet"
"""The class of the element that the style is for."""

# Each & is the class, three times: then the rules that notebooks have for every table lose.
STYLE = """
&{--lf-line:rgba(127,127,127,.28);--lf-mark:#5b8fc9;--lf-good:#2e8b57;--lf-look:#c98a00;
--lf-bad:#d1495b;
color:var(--jp-content-font-color1,var(--vscode-editor-foreground,inherit));
font:13px/1.45 var(--jp-ui-font-family,var(--vscode-font-family,system-ui,sans-serif));
max-width:72em;padding:.4em 0;overflow-x:auto;text-align:left}
& .lf-head{margin:0 0 .5em}
& .lf-head b{font-size:1.15em;font-weight:600;margin-right:.4em}
& .lf-mute{opacity:.68}
& dl{display:flex;flex-wrap:wrap;gap:.3em 2.2em;margin:.3em 0 .7em;padding:0}
& dl div{display:flex;flex-direction:column-reverse}
& :is(dt,dd){display:block;float:none;margin:0;padding:0;white-space:nowrap;width:auto}
& dt{font-weight:400;opacity:.68}
& dd{font-size:1.5em;line-height:1.25;font-variant-numeric:tabular-nums}
& table{border-collapse:collapse;border:0;margin:.8em 0;font-size:1em;table-layout:auto}
& caption{caption-side:top;color:inherit;text-align:left;font-weight:600;padding:0 0 .2em;
white-space:nowrap}
& tr{background:none}
& :is(th,td){background:none;border:0;border-top:1px solid var(--lf-line);color:inherit;
max-width:36em;overflow-wrap:break-word;padding:.22em 1.6em .22em 0;text-align:left;
vertical-align:top;white-space:normal}
& thead th{border-top:0;font-weight:400;opacity:.68;white-space:nowrap}
& :is(th,td).lf-n{font-variant-numeric:tabular-nums;text-align:right;white-space:nowrap}
& td.lf-bar{padding-right:0;width:16em}
& .lf-bar i{background:var(--lf-mark);border-radius:2px;display:block;height:.75em;
margin-top:.35em}
& .lf-note{border-left:3px solid var(--lf-line);margin:.35em 0;padding:.05em 0 .05em .7em}
& .lf-good{border-color:var(--lf-good)}
& .lf-look{border-color:var(--lf-look)}
& .lf-bad{border-color:var(--lf-bad)}
""".replace("&", f".{SCOPE}" * 3).replace("\n", "")
