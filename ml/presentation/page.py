"""One self-contained HTML page: nothing from the network, no script, light, dark and print."""

from __future__ import annotations

from enum import StrEnum
from html import escape
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

# First in the head: nothing loads or runs, even if a column is named `<script>`.
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"

_STYLE: Final = """
:root{color-scheme:light dark;--text:#1b1f24;--quiet:#57606a;--good:#0b62a8;--attention:#a33b00;
--reference:#8c959f;--ground:#fff;--line:#d0d7de}
@media screen and (prefers-color-scheme:dark){:root{--text:#e6edf3;--quiet:#9aa4af;--good:#6cb6ff;
--attention:#ffa657;--reference:#8b949e;--ground:#0d1117;--line:#30363d}}
body{background:var(--ground);color:var(--text);font:16px/1.5 system-ui,sans-serif;
font-variant-numeric:tabular-nums;max-width:64rem;margin:1.5rem auto;padding:0 1rem;
overflow-wrap:anywhere}
h1{font-size:1rem;font-weight:400;color:var(--quiet);margin:0}
h2{font-size:1.25rem;margin:2rem 0 .5rem}h3{font-size:1.05rem;margin:0}p{margin:.25rem 0}
.verdict{font-size:1.6rem;font-weight:600;line-height:1.25;margin:.25rem 0 .5rem;
border-left:.3rem solid;padding-left:.75rem}
.good{color:var(--good)}.attention{color:var(--attention)}.quiet{color:var(--quiet)}
.quiet,figcaption,.facts,table,details{font-size:.875rem}
.facts{display:grid;grid-template-columns:max-content 1fr;gap:.25rem 1rem;margin:1rem 0;
border-top:1px solid var(--line);border-bottom:1px solid var(--line);padding:.75rem 0}
.facts dt{color:var(--quiet)}.facts dd{margin:0}
.card{break-inside:avoid;border-top:1px solid var(--line);padding:1rem 0}
.figures{display:flex;flex-wrap:wrap;gap:.75rem 1.25rem;margin:.5rem 0;align-items:flex-end}
figure{margin:0;width:328px;max-width:100%}figcaption{color:var(--quiet);margin-bottom:.25rem}
svg{display:block}.wide{overflow-x:auto;max-width:100%}
.figures th,.figures td{padding-right:.6rem}
.figures caption{position:absolute;clip-path:inset(50%)}.figures .wide{position:relative}
table{border-collapse:collapse}caption{text-align:left;color:var(--quiet);padding:.25rem 0}
th,td{padding:.2rem 1rem .2rem 0;text-align:left;border-bottom:1px solid var(--line)}
td{white-space:nowrap}td.quiet{font-size:inherit}td:last-child,th:last-child{padding-right:0}
th{font-weight:400;overflow-wrap:normal}thead th{color:var(--quiet);vertical-align:bottom}
tr{break-inside:avoid}
tbody th{min-width:6rem;overflow-wrap:anywhere}.figures tbody th{min-width:0}.n{text-align:right}
.tag{border:1px solid var(--line);border-radius:.25rem;padding:0 .35rem;color:var(--quiet);
font-size:.8rem;font-weight:400;white-space:nowrap}
.key{display:flex;flex-wrap:wrap;gap:.25rem 1.25rem;list-style:none;padding:0;margin:.5rem 0}
.key i{display:inline-block;width:1.5rem;height:.75rem;margin-right:.4rem;vertical-align:-.05rem;
box-sizing:border-box;print-color-adjust:exact}
.key .r{background:var(--reference);opacity:.6}.key .c{border:2px solid var(--good)}
.key .s{border-top:2px solid var(--good);height:0;vertical-align:.25rem}
.key .l{border-top:2px dashed var(--attention);height:0;vertical-align:.25rem}
.key .w{border-left:3px solid var(--reference);width:3px;margin-right:.5rem}
.key .d{width:.6rem;height:.6rem;background:var(--attention);transform:rotate(45deg)}
summary{cursor:pointer}details{margin:1rem 0}
svg text{font:12px system-ui,sans-serif;fill:var(--text)}
svg .m{text-anchor:middle}svg .e{text-anchor:end}
svg .reference{fill:var(--reference);fill-opacity:.5}
svg .current{fill:none;stroke:var(--good);stroke-width:2;stroke-linecap:round;
stroke-linejoin:round}
svg .limit{stroke:var(--attention);stroke-dasharray:5 4;stroke-width:1.5;fill:none}
svg .between{fill:var(--good);fill-opacity:.2}
svg .before{fill:none;stroke:var(--reference);stroke-width:2}svg .alarm{fill:var(--attention)}
svg .axis{stroke:var(--quiet);fill:none}svg .mark{fill:var(--good)}
svg .whiskers{stroke:var(--reference);stroke-width:2;fill:none}
a{color:var(--good)}:focus-visible{outline:3px solid var(--good)}
@page{margin:14mm}
@media print{body{margin:0;padding:0;font-size:11pt}svg *{print-color-adjust:exact}
h2,h3{break-after:avoid}.wide{overflow:visible}table{font-size:8.5pt}
th,td{padding-right:.6rem}
details::details-content{content-visibility:visible;display:block;height:auto}
summary{list-style:none}}
"""


class Tone(StrEnum):
    """The colour of a verdict, which its sign and words repeat."""

    GOOD = "good"
    ATTENTION = "attention"
    NEUTRAL = "neutral"  # neither good nor bad, such as: not enough data


def document(title: str, body: str) -> str:
    """A whole page around `body`, which is HTML; `title` is plain text."""
    return (
        "<!doctype html>\n"
        '<html lang="en"><head>'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>"
        f"<body><main>{body}</main></body></html>\n"
    )


def verdict(title: str, sign: str, sentence: str, *, tone: Tone) -> str:
    """The head of a report: its subject, then the verdict in a sentence."""
    return (
        f'<h1>{escape(title)}</h1><p class="verdict {tone}">{escape(sign)} {escape(sentence)}</p>'
    )


def paragraphs(lines: Sequence[str], kind: str = "") -> str:
    """Plain sentences, each a paragraph."""
    marked = f' class="{kind}"' if kind else ""
    return "".join(f"<p{marked}>{escape(line)}</p>" for line in lines)


def facts(pairs: Sequence[tuple[str, str]]) -> str:
    """Names and their values side by side; plain text."""
    rows = "".join(f"<dt>{escape(name)}</dt><dd>{escape(said)}</dd>" for name, said in pairs)
    return f'<dl class="facts">{rows}</dl>'


def key(*entries: tuple[str, str]) -> str:
    """The legend of a drawing, as (mark, words).

    Marks: r fill, c outline, s line, l dashes, d diamond, w whisker.
    """
    shown = "".join(f'<li><i class="{mark}"></i>{escape(words)}</li>' for mark, words in entries)
    return f'<ul class="key quiet">{shown}</ul>'


def figure(caption: str, drawing: str) -> str:
    """A drawing with its caption above, which is plain text."""
    return f"<figure><figcaption>{escape(caption)}</figcaption>{drawing}</figure>"


def table(
    caption: str, head: Sequence[str], rows: Sequence[str], *, numbers: Sequence[int] = ()
) -> str:
    """An HTML table in a box that scrolls horizontally, also by keyboard.

    Args:
        caption: plain text; labels the box as well.
        head: plain text of each column.
        rows: HTML of each row, `<tr>` included.
        numbers: indices of right-aligned columns.
    """
    cells = "".join(
        f'<th scope="col"{" class=n" if place in numbers else ""}>{escape(name)}</th>'
        for place, name in enumerate(head)
    )
    return (
        f'<div class="wide" role="region" aria-label="{escape(caption)}" tabindex="0">'
        f"<table><caption>{escape(caption)}</caption><thead><tr>{cells}</tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )
