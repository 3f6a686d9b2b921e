"""One self-contained HTML page: nothing from the network, no script, light, dark and print."""

from __future__ import annotations

from html import escape

# First in the head: nothing can load or run, even if a column is named `<script>`.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"

_STYLE = """
:root{color-scheme:light dark;--text:#1b1f24;--quiet:#57606a;--good:#0b62a8;--attention:#a33b00;
--reference:#8c959f;--ground:#fff;--line:#d0d7de}
@media(prefers-color-scheme:dark){:root{--text:#e6edf3;--quiet:#9aa4af;--good:#6cb6ff;
--attention:#ffa657;--reference:#8b949e;--ground:#0d1117;--line:#30363d}}
body{background:var(--ground);color:var(--text);font:16px/1.5 system-ui,sans-serif;
font-variant-numeric:tabular-nums;max-width:64rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.1rem;font-weight:600;margin:0}.verdict{font-size:1.5rem;margin:.25rem 0 .5rem}
.good{color:var(--good)}.attention{color:var(--attention)}.quiet{color:var(--quiet)}
table{border-collapse:collapse}caption{text-align:left;font-weight:600;padding:.5rem 0}
th,td{padding:.25rem .75rem .25rem 0;text-align:left;border-bottom:1px solid var(--line)}
td.n,th.n{text-align:right}.wide{overflow-x:auto}.card{break-inside:avoid;margin:1rem 0}
svg text{font:12px system-ui,sans-serif;fill:var(--text)}
svg .reference{fill:var(--reference);fill-opacity:.45}
svg .current{fill:none;stroke:var(--good);stroke-width:2}
svg .limit{stroke:var(--attention);stroke-dasharray:5 4;stroke-width:1.5;fill:none}
svg .between{fill:var(--good);fill-opacity:.18}
svg .before{fill:none;stroke:var(--reference);stroke-width:2}svg .alarm{fill:var(--attention)}
svg .axis{stroke:var(--quiet)}svg .mark{fill:var(--good)}
a{color:var(--good)}:focus-visible{outline:3px solid var(--good)}
@media print{body{margin:0}details{display:block}}
"""


def document(title: str, body: str) -> str:
    """A whole page around `body`, which is HTML already; `title` is plain text."""
    return (
        "<!doctype html>\n"
        '<html lang="en"><head>'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>"
        f"<body><main>{body}</main></body></html>\n"
    )


def verdict(title: str, sign: str, sentence: str, *, attention: bool) -> str:
    """The head of a report: what it is about, then the verdict in a sentence."""
    kind = "attention" if attention else "good"
    return (
        f'<h1>{escape(title)}</h1><p class="verdict {kind}">{escape(sign)} {escape(sentence)}</p>'
    )
