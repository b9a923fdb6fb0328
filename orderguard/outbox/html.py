"""An HTML page that stands alone: no script, nothing loaded, one style for light, dark and paper."""

from __future__ import annotations

import base64
import hashlib
from html import escape
from typing import TYPE_CHECKING

from orderguard.errors import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

STYLE = """
:root{color-scheme:light dark;--bg:#fff;--ink:#1b1f24;--soft:#57606a;--line:#d0d7de;--card:#f6f8fa;--warn:#8a3c00;
--warnbg:#fff1e5;--track:#d8dee4;--c0:#0072b2;--c1:#d55e00;--c2:#009e73;--c3:#cc79a7;--c4:#e69f00;--c5:#56b4e9;
--c6:#8c7a00;--c7:#5b5b5b;--heat:0,114,178;--link:#0057a0}
@media(prefers-color-scheme:dark){:root{--bg:#0f1419;--ink:#e6edf3;--soft:#a8b3bf;--line:#30363d;--card:#171d24;
--warn:#ffb77c;--warnbg:#33210f;--track:#30363d;--c0:#56b4e9;--c1:#ff8a3d;--c2:#2fc99a;--c3:#e5a3c7;--c4:#f2b632;
--c5:#9bd3f5;--c6:#f0e442;--c7:#b5b5b5;--heat:86,180,233;--link:#7cc4ff}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--ink);font:15px/1.55 system-ui,-apple-system,"Segoe UI","PingFang SC",
"Microsoft YaHei","Noto Sans CJK SC","Noto Sans SC","WenQuanYi Micro Hei",sans-serif}
main{max-width:1220px;margin:0 auto;padding:20px 18px 60px}
h1{font-size:1.6rem;margin:.2em 0}h2{font-size:1.2rem;margin:2.2em 0 .5em;padding-bottom:.25em;border-bottom:2px solid var(--line)}
h3{font-size:1rem;margin:1.4em 0 .4em}p{margin:.5em 0}.soft{color:var(--soft)}th .soft{font-weight:400;font-size:.94em;white-space:normal;display:block;min-width:110px}a{color:var(--link)}
.tiles{display:grid;grid-template-columns:repeat(auto-fill,minmax(165px,1fr));gap:10px;margin:14px 0}
.tile{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:10px 12px}
.tile dt{color:var(--soft);font-size:.85rem}.tile dd{margin:0}.tile .big{font-size:1.5rem;font-weight:650;line-height:1.25}
.tile .long{font-size:1.12rem}.tile .sub{color:var(--soft);font-size:.82rem}dl{margin:0}
.note{background:var(--warnbg);color:var(--warn);border-left:4px solid var(--c1);padding:8px 12px;border-radius:4px;margin:10px 0}
.scroll{overflow-x:auto;margin:8px 0}.scroll:focus-visible,summary:focus-visible{outline:3px solid var(--c0)}
table{border-collapse:collapse;width:100%;font-size:.9rem}caption{text-align:left;color:var(--soft);padding:2px 0 6px;font-size:.85rem}
th,td{padding:5px 9px;border-bottom:1px solid var(--line);text-align:left;vertical-align:top}
th{font-weight:600;white-space:nowrap}thead th,thead th.n{white-space:normal;word-break:keep-all}thead th{background:var(--card);position:sticky;top:0}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}td.n{white-space:nowrap}td.w{min-width:126px}td.k{white-space:nowrap}
svg.chart{display:block;width:100%;min-width:540px;max-width:860px;height:auto}
svg.spark{display:block;width:100%;min-width:150px;max-width:420px;height:24px}
svg.cell{display:block;width:100%;min-width:70px;height:10px;margin-top:2px}svg.stack{display:block;width:100%;height:18px;border-radius:4px}
.on-light,.on-dark{font-size:11.5px;fill:var(--ink)}.on-dark{fill:var(--bg)}
.tick{font-size:12px;fill:var(--soft)}.grid{stroke:var(--line);stroke-width:1}.line{fill:none;stroke-width:2.4}
.c0{fill:var(--c0);stroke:var(--c0)}.c1{fill:var(--c1);stroke:var(--c1)}.c2{fill:var(--c2);stroke:var(--c2)}
.c3{fill:var(--c3);stroke:var(--c3)}.c4{fill:var(--c4);stroke:var(--c4)}.c5{fill:var(--c5);stroke:var(--c5)}
.c6{fill:var(--c6);stroke:var(--c6)}.c7{fill:var(--c7);stroke:var(--c7)}rect.c0,rect.c1,rect.c2,rect.c3,rect.c4,rect.c5,rect.c6,rect.c7{stroke:none}
.line.c0,.line.c1,.line.c2,.line.c3,.line.c4,.line.c5,.line.c6,.line.c7{fill:none}
.line.c1{stroke-dasharray:7 3}.line.c2{stroke-dasharray:2 3}.line.c3{stroke-dasharray:9 3 2 3}.line.c4{stroke-dasharray:5 5}
.line.c5{stroke-dasharray:12 4}.line.c6{stroke-dasharray:3 2}.line.c7{stroke-dasharray:1 4}
.alert{fill:var(--c1)}.track{fill:var(--track)}.range{fill:var(--c5)}.point{fill:var(--ink)}
.hnone{fill:none;stroke:var(--line);stroke-width:.6}
HEAT
.key{display:flex;flex-wrap:wrap;gap:4px 16px;margin:6px 0;padding:0;list-style:none;font-size:.88rem}
.key svg{width:26px;height:10px;vertical-align:middle;margin-right:6px}
details{margin:8px 0}summary{cursor:pointer;color:var(--link)}
.two{display:grid;grid-template-columns:repeat(auto-fit,minmax(320px,1fr));gap:0 28px}.two>*{min-width:0}
footer{margin-top:3em;color:var(--soft);font-size:.85rem}
@media(max-width:560px){main{padding:12px 12px 40px}.tiles{grid-template-columns:1fr 1fr}.two{grid-template-columns:1fr}h1{font-size:1.35rem}}
@page{size:A4;margin:14mm}
@media print{:root{color-scheme:light;--bg:#fff;--ink:#000;--soft:#444;--line:#bbb;--card:#f4f4f4;--c0:#0072b2;--c1:#d55e00;
--c2:#009e73;--c3:#cc79a7;--c4:#e69f00;--c5:#56b4e9;--c6:#8c7a00;--c7:#5b5b5b;--heat:0,114,178;--warn:#8a3c00;--warnbg:#fff;--track:#ccc}
body{font-size:10.5px;-webkit-print-color-adjust:exact;print-color-adjust:exact}main{max-width:none;padding:0}
h2{break-after:avoid;margin-top:1.4em}tr,svg,.tile{break-inside:avoid}.scroll{overflow:visible}thead{display:table-header-group}
thead th{position:static}th,td,td.w{padding:2px 5px;white-space:normal}tbody th{white-space:nowrap}table{font-size:9px}td.w{min-width:0}svg.chart{min-width:0;max-width:560px}
.tiles{grid-template-columns:repeat(5,1fr);gap:5px}.tile{padding:5px 7px}.tile .big{font-size:1.25rem}
details:not([open]),.screen{display:none}svg.cell{min-width:40px}}
""".replace("HEAT", "\n".join(f".h{i}{{fill:rgba(var(--heat),{0.06 + 0.94 * i / 9:.2f})}}" for i in range(10))).strip()


def policy() -> str:
    """What the page may do: show itself with this very style, nothing else."""
    digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def page(title: str, locale: str, body: str) -> str:
    """The whole document."""
    language = "zh-CN" if locale.startswith("zh") else "en"
    return (
        f'<!DOCTYPE html>\n<html lang="{language}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy()}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n<meta name="referrer" content="no-referrer">\n'
        f"<title>{safe(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def safe(text: object) -> str:
    """Text as text: control and bidirectional marks gone, markup escaped."""
    return escape(printable(str(text)))


def cell(text: object) -> str:
    """`safe`, cut at 80 characters: a shop's or a file's name may be as long as its owner likes."""
    words = str(text)
    return safe(words if len(words) <= _LONGEST else words[: _LONGEST - 1] + "…")


_LONGEST = 80

Cell = tuple[str, str]
"""CSS class and HTML of a table cell."""


def table(name: str, caption: str, head: Sequence[Cell], rows: Sequence[Sequence[Cell]]) -> str:
    """A table that scrolls sideways where it is too wide; the first cell of a row is its heading."""
    if not rows:
        return ""
    top = "".join(f'<th scope="col" class="{css}">{html}</th>' for css, html in head)
    body = []
    for first, *rest in rows:
        cells = "".join(f'<td class="{css}">{html}</td>' for css, html in rest)
        body.append(f'<tr><th scope="row" class="{first[0]}">{first[1]}</th>{cells}</tr>')
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-labelledby="{name}"><table><caption id="{name}">{safe(caption)}'
        f"</caption><thead><tr>{top}</tr></thead><tbody>{''.join(body)}</tbody></table></div>"
    )


def chart(svg: str, words: str, label: str = "图 / chart") -> str:
    """A chart that scrolls sideways on a phone; `label` tells it from the table of the same name."""
    return f'<div class="scroll" tabindex="0" role="region" aria-label="{safe(words)} ({label})">{svg}</div>'


def folded(summary: str, html: str) -> str:
    """What a click opens; left out on paper."""
    return f"<details><summary>{safe(summary)}</summary>{html}</details>" if html else ""


def key(series: Sequence[tuple[str, str]]) -> str:
    """What the colours mean: class and words."""
    items = "".join(
        f'<li><svg viewBox="0 0 26 10" aria-hidden="true"><line class="line {css}" x1="0" x2="26" y1="5" y2="5"/></svg>{safe(said)}</li>'
        for css, said in series
    )
    return f'<ul class="key">{items}</ul>'
