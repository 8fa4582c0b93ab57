"""The colours of the HTML: light, dark, and whichever the notebook itself has chosen.

The card has its own background, so that its text is readable on any page. Where a host strips all this, as
GitHub does, words, signs, tables and headings still say everything.
"""

from __future__ import annotations

LIGHT = {
    "ink": "#1b1f24",
    "faint": "#57606a",
    "ground": "#ffffff",
    "raised": "#f3f5f7",
    "line": "#d0d7de",
    "add": "#116329",
    "change": "#7d4e00",
    "remove": "#a40e26",
    "bad": "#a40e26",
    "good": "#116329",
    "bar": "#2f6fbd",
}
DARK = {
    "ink": "#e6e8eb",
    "faint": "#a3adb8",
    "ground": "#16191d",
    "raised": "#22272e",
    "line": "#414a54",
    "add": "#6fdd8b",
    "change": "#f0b95c",
    "remove": "#ff9a92",
    "bad": "#ff9a92",
    "good": "#6fdd8b",
    "bar": "#6cb0f5",
}
CHOSEN_LIGHT = ('[data-jp-theme-light="true"]', "html[theme=light]", "body.vscode-light")
CHOSEN_DARK = ('[data-jp-theme-light="false"]', "html[theme=dark]", "body.vscode-dark")
"""How JupyterLab, Colab and VS Code mark the page, whatever the system's own scheme is."""

CARD = """
.colabenv{color-scheme:light;color:var(--ink);background:var(--ground);border:1px solid var(--line);\
border-radius:6px;padding:.7em .9em;margin:.2em 0;max-width:70em;box-sizing:border-box;\
font:14px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",sans-serif;text-align:left;\
overflow-wrap:anywhere}
.colabenv p{margin:.3em 0;color:inherit}
.colabenv .title{font-size:1.05em;margin:0 0 .4em}
.colabenv code,.colabenv pre{font:.92em/1.45 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;\
color:inherit;background:none;padding:0;border:0;white-space:pre-wrap;overflow-wrap:anywhere}
.colabenv pre{background:var(--raised);padding:.5em .7em;border-radius:4px;margin:.4em 0}
.colabenv .lines{white-space:pre-wrap}
.colabenv details{border-top:1px solid var(--line);padding:.3em 0;margin:0}
.colabenv details details{border-top:0;margin-left:1em}
.colabenv summary{display:list-item;cursor:pointer;padding:.15em 0}
.colabenv summary:focus-visible{outline:2px solid var(--bar);outline-offset:2px}
.colabenv table{border-collapse:collapse;width:100%;margin:.3em 0;font-size:.95em;color:inherit;\
background:none;border:0;table-layout:auto}
.colabenv caption{text-align:left;color:var(--faint);padding:.2em 0;caption-side:top}
.colabenv thead,.colabenv tr{background:none;border:0}
.colabenv th,.colabenv td{text-align:left;vertical-align:top;padding:.2em .7em .2em 0;font-weight:400;\
color:inherit;background:none;border:0;line-height:inherit;white-space:normal;max-width:none}
.colabenv thead th{color:var(--faint);border-bottom:1px solid var(--line)}
.colabenv thead th{overflow-wrap:normal}
.colabenv .quiet caption,.colabenv .quiet thead{position:absolute;width:1px;height:1px;overflow:hidden;\
clip-path:inset(50%);white-space:nowrap}
.colabenv .quiet th[scope=row]{width:32%}
.colabenv .quiet td:nth-child(2){width:6.5em}
.colabenv .lanes td{min-width:3em}
.colabenv .even{table-layout:fixed}
.colabenv .faint{color:var(--faint)}
.colabenv .add{color:var(--add)}
.colabenv .change{color:var(--change)}
.colabenv .remove{color:var(--remove)}
.colabenv .bad{color:var(--bad)}
.colabenv .good{color:var(--good)}
.colabenv .word{font-weight:600}
.colabenv .quiet .word,.colabenv .short{white-space:nowrap}
.colabenv .call{border-left:4px solid var(--change);background:var(--raised);padding:.5em .8em;margin:.5em 0}
.colabenv .call.bad{border-color:var(--bad);color:var(--ink)}
.colabenv .track{width:45%;min-width:5em}
.colabenv .track div{background:var(--raised);border-radius:3px;height:1.05em;margin-top:.2em;overflow:hidden}
.colabenv .track span{display:block;height:100%;min-width:2px;background:var(--bar);border-radius:3px}
.colabenv .track .failed{background:repeating-linear-gradient(45deg,var(--bad) 0 4px,var(--raised) 4px 7px)}
.colabenv progress{width:100%;height:.7em;accent-color:var(--bar)}
.colabenv ul{list-style:disc;margin:.2em 0;padding-left:1.3em}
@media (max-width:500px){.colabenv{padding:.5em .6em}.colabenv .track{width:20%;min-width:3em}\
.colabenv th,.colabenv td{padding-right:.5em}}
"""


def variables(colours: dict[str, str]) -> str:
    return "".join(f"--{name}:{colour};" for name, colour in colours.items())


def scheme(name: str, colours: dict[str, str], chosen: tuple[str, ...]) -> str:
    """The rule for pages on which a scheme was chosen."""
    places = ",".join(f"{mark} .colabenv" for mark in chosen)
    return f"{places}{{color-scheme:{name};{variables(colours)}}}\n"


FIRMLY = ".colabenv:not(#_)"
"""The card, in selectors that no page's own classes outweigh: JupyterLab styles every table and code."""

SHEET = (
    CARD
    + f".colabenv{{{variables(LIGHT)}}}\n"
    + f"@media (prefers-color-scheme:dark){{.colabenv{{color-scheme:dark;{variables(DARK)}}}}}\n"
    + scheme("light", LIGHT, CHOSEN_LIGHT)
    + scheme("dark", DARK, CHOSEN_DARK)
).replace(".colabenv", FIRMLY)
