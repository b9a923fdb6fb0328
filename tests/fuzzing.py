"""Inputs as odd as back offices and enemies make them, and what must hold for every one of them.

A seed makes an input; `check` reads it as a scan does. Used by `test_fuzz.py` with a few seeds and by
`benchmarks/fuzz.py` with hundreds of thousands.
"""

# ruff: noqa: PT017 - an error is looked at where it is caught: most inputs raise none
from __future__ import annotations

import io
import json
import random
import zipfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from house import NOW, book

from orderguard.errors import OrderguardError
from orderguard.ingest import find_sources, read_source
from orderguard.platforms import header_score, load_profiles, loading, match_header
from orderguard.route import Team
from orderguard.stages.options import Options
from orderguard.stages.reading import read_orders
from orderguard.yamls import read_yaml

if TYPE_CHECKING:
    from collections.abc import Callable

RULES = book("{id: a, kind: round_amount, points: 1, with: {}, says: x}")
HEADERS = [h["header"] for h in json.loads((Path(__file__).parent / "headers.json").read_text(encoding="utf-8")).values()]
GENERIC = ["订单编号", "平台", "买家账号", "收货人", "联系电话", "收货地址", "下单时间", "付款时间", "实付金额", "优惠券", "买家留言", "下单IP", "订单状态", "商品名称", "数量"]
CELLS = (
    "", " ", "-", "——", "null", "'", '"', '""', '="1"', "='x", "=1+1", "@SUM(1)", "\t", "a\tb\tc", "a;b;c", "a,b", "1;2", "\x1b[31m", "\ufeff", "\u202e", "�",
    "𠮷野", "買家", "ümlaut", "1,000.00", "¥1,000", "$45.99", "৳2,999", "65.000", "1.250.000", "12,5", "12.00元", "1e400", "-0", "9" * 40, "NaN", "inf", "0x10", "(5)",
    "2026-11-11 00:03:05", "03/04/2026", "25/06/2026 13:03:57", "13/13/2026", "Jul-21-25", "04 Jul 2022 11:46", "2026-02-30", "0000-00-00", "1794326585", "45000.5",
    "2026-11-11 00:03:05 PST", "2026-11-11 00:03:05 CST", "2026-11-11T00:03:05+99:99", "9999-12-31 23:59:59", "上午", "138****1234", "+8613800001234", "1.38E10", "192.0.2.7",
    "::1", "999.1.1.1", "10.0.x.x", "合计", "Total", "订单编号", "备注：无", "83 record(s) downloaded", "name:Mug|sku:M|quantity:x", "待发货", "(删除)等待出库", "天晓得", "x" * 300,
)  # fmt: skip
CODINGS = ("utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-le", "big5hkscs", "latin-1")


@dataclass
class Input:
    """One file.

    Attributes:
        name: with the suffix that says what it claims to be.
        data: its bytes.
        marks: order numbers that must turn up among orders or rejects, unless the file is refused as a whole.
    """

    name: str
    data: bytes
    marks: tuple[str, ...] = ()


def _header(rng: random.Random) -> list[str]:
    head = list(rng.choice([*HEADERS, GENERIC, GENERIC]))
    if rng.random() < 0.5:
        head = rng.sample(head, rng.randint(1, len(head)))
    if rng.random() < 0.1:
        head += rng.choices(head, k=2)
    return head


def _rows(rng: random.Random, head: list[str]) -> tuple[list[list[str]], list[str]]:
    """Rows of odd cells; an order number where the header has one by a name that everybody knows."""
    named = [i for i, h in enumerate(head) if h.strip() in {"订单编号", "订单号", "主订单编号", "Name", "Order ID", "order-id", "order_number", "orderNumber"}]
    rows, marks = [], []
    oddness = rng.choice([0.01, 0.05, 0.2, 0.7])
    for n in range(rng.randint(0, 12)):
        row = [rng.choice(CELLS) if rng.random() < oddness else _calm(h, rng) for h in head]
        if len(named) == 1 and rng.random() < 0.9:
            marks.append(f"MK{n:04d}{rng.randint(0, 9999):04d}")
            row[named[0]] = marks[-1]
        rows.append(row)
    return rows, marks


def _calm(heading: str, rng: random.Random) -> str:
    """A cell as it should be, as far as its heading tells."""
    low = heading.casefold()
    if "时间" in low or "date" in low or "time" in low or low.endswith(" at"):
        return rng.choice(["", "2026-11-11 00:03:05", f"2026-11-{rng.randint(1, 28):02d} 10:00:00"])
    if any(w in low for w in ("金额", "实付", "price", "total", "优惠", "数量", "quantity", "amount")):
        return rng.choice(["", "5", "1000.00", str(rng.randint(0, 999))])
    return rng.choice(["", "", "x", "某路 1 号", "13800001234"])


def csv_input(rng: random.Random) -> Input:
    head = _header(rng)
    rows, marks = _rows(rng, head)
    mark = rng.choice(",,,\t;|")
    end = rng.choice(["\n", "\n", "\r\n", "\r"])
    lines = [mark.join(_quoted(c, mark, rng) for c in row) for row in [head, *rows]]
    if rng.random() < 0.2:
        lines = [*rng.choices(["导出时间：2026-11-11", "sep=" + mark, "", '"', "Orders report"], k=rng.randint(1, 3)), *lines]
    if rng.random() < 0.2:
        lines.append(rng.choice(["合计" + mark * 3 + "5", "Seller ID : x", mark * len(head), "共 3 条"]))
    text = end.join(lines) + rng.choice([end, ""])
    coding = rng.choice(CODINGS)
    data = text.encode(coding, "replace" if coding != "utf-8" else "ignore")
    mutated = rng.random() < 0.5
    # A lost or doubled line end, a quote that opens nothing and odd bytes take order numbers with them.
    safe = not mutated and end != "\r" and coding in {"utf-8", "utf-8-sig"} and mark == "," and "\x00" not in text
    return Input("a" + rng.choice([".csv", ".csv", ".txt", ".tsv", ".xls", ""]), _mutated(data, rng) if mutated else data, tuple(marks) if safe else ())


def _quoted(cell: str, mark: str, rng: random.Random) -> str:
    if any(c in cell for c in (mark, '"', "\n", "\r")) or rng.random() < 0.2:
        return '"' + cell.replace('"', '""') + '"'
    return cell


def _mutated(data: bytes, rng: random.Random) -> bytes:
    out = bytearray(data)
    for _ in range(rng.randint(1, 6)):
        at = rng.randint(0, len(out))
        what = rng.random()
        if what < 0.3:
            del out[at : at + rng.randint(1, 20)]
        elif what < 0.6:
            out[at:at] = rng.choice([b'"', b"\x00", b"\xff\xfe", b"\n", b"\r", b",", b"\t", b"\xed\xa0\x80", b"=", b"\x1a", bytes(rng.randbytes(4)), b'"' * 9])
        elif what < 0.8 and out:
            out[min(at, len(out) - 1)] = rng.randrange(256)
        elif what < 0.9:
            out[at:at] = out[: rng.randint(0, 200)]
        else:
            del out[at:]
    return bytes(out)


def json_input(rng: random.Random) -> Input:
    keys = [*GENERIC[:6], "line_items", "items", "amount", "order_id", "data", "orders", "", "a.b", "source_row"]

    def value(depth: int) -> Any:
        what = rng.random()
        if depth > 3 or what < 0.55:
            return rng.choice([*CELLS, None, True, 5, -1, 1.5, 10**30, 1e308, "\ud800"])
        if what < 0.8:
            return {rng.choice(keys): value(depth + 1) for _ in range(rng.randint(0, 6))}
        return [value(depth + 1) for _ in range(rng.randint(0, 4))]

    what = rng.random()
    if what < 0.05:
        deep = rng.choice([100, 1_000, 10_000, 100_000])
        text = rng.choice(["[", '{"a":', '[{"订单编号":"1","x":']) * deep
        text += rng.choice(["", "1" + "]" * deep, "1" + "}" * deep])
    elif what < 0.5:
        records = [{**{k: value(2) for k in rng.sample(keys, 5)}, "订单编号": f"J{i}"} for i in range(rng.randint(0, 8))]
        text = json.dumps(records) if rng.random() < 0.5 else "\n".join(map(json.dumps, records))
    else:
        text = json.dumps(value(0))
    data = text.encode(rng.choice(["utf-8", "utf-8", "utf-8-sig", "utf-16", "gb18030"]), "surrogatepass" if rng.random() < 0 else "replace")
    return Input("a" + rng.choice([".json", ".jsonl", ".csv"]), _mutated(data, rng) if rng.random() < 0.4 else data)


@cache
def _template() -> dict[str, bytes]:
    import xlsxwriter

    made = io.BytesIO()
    with xlsxwriter.Workbook(made) as workbook:
        workbook.add_worksheet().write_row(0, 0, ["a"])
        workbook.add_worksheet()
    with zipfile.ZipFile(made) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def xlsx_input(rng: random.Random) -> Input:
    head = _header(rng)
    rows, _ = _rows(rng, head)
    if rng.random() < 0.02:
        head += [f"c{i}" for i in range(16_384 - len(head))]
    xml = []
    for r, row in enumerate([head, *rows], 1):
        at = rng.choice([f' r="{r}"', "", f' r="{rng.choice([0, 1, 1048576, 99999999])}"']) if rng.random() < 0.05 else f' r="{r}"'
        cells = "".join(_cell(c, rng) for c in row)
        xml.append(f"<row{at}>{cells}</row>")
    span = rng.choice(["A1", "A1", "A1", "A1:B2", "A1:B2", "A1:D9", "A1:ZZZ9999999", "", "x"])
    merges = '<mergeCells count="1"><mergeCell ref="A2:A3"/></mergeCells>' if rng.random() < 0.2 else ""
    sheet = (
        '<?xml version="1.0" encoding="UTF-8"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
        f'<dimension ref="{span}"/><sheetData>{"".join(xml)}</sheetData>{merges}</worksheet>'
    ).encode("utf-8", "replace")
    files = dict(_template())
    files["xl/worksheets/sheet1.xml"] = sheet
    if rng.random() < 0.2:
        name = rng.choice(sorted(files))
        files[name] = _mutated(files[name], rng)
    if rng.random() < 0.1:
        del files[rng.choice(sorted(files))]
    if rng.random() < 0.01:
        files["xl/worksheets/sheet2.xml"] = b"<worksheet>" + b" " * 80_000_000
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", rng.choice([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    data = made.getvalue()
    return Input("a" + rng.choice([".xlsx", ".xlsx", ".xlsm", ".xls", ".csv"]), _mutated(data, rng) if rng.random() < 0.2 else data)


def _cell(text: str, rng: random.Random) -> str:
    from xml.sax.saxutils import escape

    what = rng.random()
    clean = escape("".join(c for c in text if c >= " " or c in "\t\n"))
    if what < 0.99:
        return f'<c t="inlineStr"><is><t xml:space="preserve">{clean}</t></is></c>'
    return rng.choice([f'<c t="str"><f>1+1</f><v>{clean}</v></c>', "<c><v>45000.5</v></c>", '<c s="99"><v>1e400</v></c>', '<c t="b"><v>1</v></c>', '<c t="e"><v>#REF!</v></c>',
                       '<c t="s"><v>0</v></c>', '<c t="s"><v>99999</v></c>', '<c r="XFD1"><v>1</v></c>', "<c/>", '<c t="d"><v>2026-11-11T00:00:00</v></c>'])  # fmt: skip


_PROFILE = (Path(__file__).parent.parent / "orderguard" / "platforms" / "profiles" / "etsy.yaml").read_text(encoding="utf-8")
_LINES = (
    "platform: x", "platform: [1]", "platform: X!", "name: {}", "name: x", "signature: [a]", "signature: {a: b}", "columns: {order_id: 单}", "columns: []", "columns: {order_id: {join: [a]}}",
    "columns: {amount: {plus: [a], minus: [b]}}", "columns: {amount: {plus: [a], join: [b]}}", "columns: {x: y}", "extract: {ip: {from: a, pattern: '('}}", "extract: {ip: {from: a, pattern: '(a)'}}",
    "extract: {ip: {from: [a, b], pattern: '(?=x)'}}", "trim: {address: '['}", "trim: {address: '(a+)+$'}", "statuses: {paid: [x]}", "statuses: {paid: x}", "statuses: {lost: [x]}", "status_if_filled: {a: closed}",
    "date_order: mdy", "date_order: month", "split: ';'", "packed: line_", "fold: {amount: sum}", "fold: {amount: 5}", "blanks: ['-']", "given: {a: 1}", "knows: &a [*a]", "knows: [1, 2]", "variant: A", "part: none",
    "doubts: {amount: x}", "? [a, b]", "- x", "\t", "a: b: c", "!!python/object:os.system x", "columns: &c {order_id: *c}", "status_starts: {x: paid}",
)  # fmt: skip


_FREE = ("signature", "trim", "split", "packed", "blanks", "variant", "doubts", "status_starts", "date_order")


def profile_input(rng: random.Random) -> Input:
    what = rng.random()
    if what < 0.4:
        text = "\n".join(rng.sample(_LINES, rng.randint(1, 12)))
    elif what < 0.7:
        more = {line.split(":")[0]: line for line in rng.sample(_LINES, rng.randint(0, 8))}
        own = {"platform": "platform: x", "name": "name: {zh: x, en: x}", "columns": "columns: {order_id: 单, amount: 钱}"}
        text = "\n".join({**(more if rng.random() < 0.5 else {k: v for k, v in more.items() if k in _FREE}), **own}.values())
    else:
        lines = _PROFILE.split("\n")[: rng.randint(5, 40)]
        text = _mutated("\n".join(lines).encode(), rng).decode("utf-8", "replace")
    return Input("a.yaml", text.encode("utf-8", "replace"))


MAKERS: dict[str, Callable[[random.Random], Input]] = {"csv": csv_input, "json": json_input, "xlsx": xlsx_input, "profile": profile_input}


@cache
def _profiles() -> Any:
    profiles = load_profiles()
    return profiles, header_score(profiles)


def check(kind: str, seed: int, folder: Path, *, whole: bool) -> str:
    """Make the input of a seed and read it; returns `read`, `refused` or `empty`.

    Args:
        kind: of `MAKERS`.
        seed: of the input.
        folder: for the file.
        whole: also type, fold and count it, as a scan does.

    Raises:
        AssertionError: something was lost, or an error that nobody meant reached the user.
    """
    made = MAKERS[kind](random.Random(seed))
    path = folder / made.name
    path.write_bytes(made.data)
    try:
        if kind == "profile":
            return _profile(folder)
        return _whole(path, made) if whole else _read(path)
    finally:
        path.unlink()


def _profile(folder: Path) -> str:
    try:
        mine = loading._load(read_yaml(folder / "a.yaml"))
        match_header(["单", "钱", "a", "b"], [*_profiles()[0], mine], mine.platform)
    except OrderguardError as error:
        assert error.problems
        return "refused"
    return "read"


def _unmeant(texts: list[str]) -> list[str]:
    """Errors that the reader's last net caught: no user should ever see one."""
    return [t for t in texts if "文件无法读取" in t]


def _read(path: Path) -> str:
    profiles, score = _profiles()
    source = read_source(find_sources([str(path)])[0], score)
    assert not _unmeant([p.text("zh-CN") for p in source.problems])
    assert source.tables or source.problems
    for table in source.tables:
        assert table.frame["source_row"].null_count() == 0
        try:
            match_header([c for c in table.frame.columns if c != "source_row"], profiles, None, table.source)
        except OrderguardError:
            continue
    return "read" if source.tables else "refused"


def _whole(path: Path, made: Input) -> str:
    profiles, _ = _profiles()
    options = Options([str(path)], RULES, Team(), path.parent / "out", path.parent / "ledger", NOW, "r")
    try:
        read = read_orders(options, profiles)
    except OrderguardError as error:
        assert error.problems
        assert not _unmeant([p.text("zh-CN") for p in error.problems])
        return "refused"
    assert not _unmeant([p.text("zh-CN") for p in read.problems])
    assert sum(f["read"] for f in read.files) == len(read.orders) + len(read.rejects), read.files
    for file in read.files:
        clean = file["read"] - file["rejected"]
        assert clean >= 0, file
        assert clean == int((read.orders["source_file"] == file["file"]).sum()), file
    if made.marks:
        found = set(read.orders["order_id"].drop_nulls().to_list())
        cells = "\n".join(read.rejects["cells"].drop_nulls().to_list())
        lost = [m for m in made.marks if m not in found and m not in cells]
        assert not lost, lost
    return "read" if len(read.orders) else "empty"


def told(path: Path) -> list[Any]:
    """Everything that is read of a file, to be compared with what is read of it another way; the refusals where it is refused."""
    profiles, _ = _profiles()
    options = Options([str(path)], RULES, Team(), path.parent / "out", path.parent / "ledger", NOW, "r")
    try:
        read = read_orders(options, profiles)
    except OrderguardError as error:
        return [p.text("en") for p in error.problems]
    frames = [frame.to_dicts() for frame in (read.orders, read.lines, read.rejects)]
    return [*frames, read.files, sorted(p.text("en") for p in read.problems)]
