"""The five default rules against a brute force written from the design, on a world of 98,000 orders.

The oracle below reads the cells with the standard library and decides distances with geopy; of orderguard it uses
only the coordinates of a named place.
"""

from __future__ import annotations

import random
import re
import unicodedata
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from house import ROUNDS
from hypothesis import given, settings
from hypothesis import strategies as st
from worlds import HEADERS, Row, make_world, order, stamp, write_csv, write_json, write_parquet, write_xlsx

from orderguard.audit import scan
from orderguard.enrich import locate
from orderguard.route import Team
from orderguard.rules import load_rulebook
from orderguard.rules.windows import fullest_window
from orderguard.stages.options import OUTPUTS, Options

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

ORDERS = 98_000
SEED = 20_261_111
RULES = Path(__file__).parent.parent / "rules.yaml"
POINTS = {"risky-address": 40, "ip-burst": 40, "round-amount": 30, "far-phone": 20, "new-account-coupon": 30}

Key = tuple[str, str]
BLANK = " \t\r\n\u00a0\u3000\ufeff\u200b"
FRAMES = frozenset({"frames"})

# --- the oracle ---------------------------------------------------------------------------------------------


@dataclass
class Oracle:
    """Per rule the orders it flags and those it cannot judge; `rejected` counts rows that cannot be read."""

    hits: dict[str, set[Key]] = field(default_factory=lambda: {rule: set() for rule in POINTS})
    unknown: dict[str, set[Key]] = field(default_factory=lambda: {rule: set() for rule in POINTS})
    orders: dict[Key, Row] = field(default_factory=dict)
    counts: dict[Key, int] = field(default_factory=dict)
    rejected: int = 0

    def say(self, rule: str, key: Key, verdict: bool | None) -> None:  # noqa: FBT001
        """Note a verdict; None is not evaluable."""
        if verdict is None:
            self.unknown[rule].add(key)
        elif verdict:
            self.hits[rule].add(key)

    def score(self, key: Key) -> int:
        """Sum of the points of the rules that flag an order."""
        return sum(points for rule, points in POINTS.items() if key in self.hits[rule])


def both(*parts: bool | None) -> bool | None:
    """Three-valued `and`: one clear no decides, however little is known of the rest."""
    if any(part is False for part in parts):
        return False
    return None if any(part is None for part in parts) else True


def read_time(cell: str) -> datetime | None:
    """A wall-clock time, None for a blank cell; ValueError where it is neither."""
    text = cell.strip(BLANK)
    return datetime.fromisoformat(text) if text else None


def read_amount(cell: str) -> Decimal | None:
    """An exact amount of yuan, None for a blank cell; InvalidOperation where it is neither."""
    text = cell.strip(BLANK).removeprefix("¥")
    if re.fullmatch(r"-?\d{1,3}(,\d{3})+(\.\d+)?", text):
        text = text.replace(",", "")
    return Decimal(text) if text else None


def readable(row: Row) -> bool:
    """Whether amount and times say what they should, if anything."""
    try:
        read_amount(row["实付金额"])
        read_time(row["下单时间"])
        read_time(row["付款时间"])
    except (ValueError, InvalidOperation):
        return False
    return True


def risky(cell: str) -> bool | None:
    """Whether an address holds a risky word once width, case, blanks and separators are folded away."""
    text = unicodedata.normalize("NFKC", cell.strip(BLANK)).lower()
    if not text:
        return None
    bare = "".join(c for c in text if not c.isspace() and c not in "·•・.。,，、_-—~|/\\\u200b\u200c\u200d\ufeff")
    if any(word in bare for word in ("临时仓", "代收点", "测试", "无效", "快递柜", "派出所")):
        return True
    return None if "**" in text else False


def round_sum(cell: str, note: str) -> bool | None:
    """Whether an amount is a positive multiple of 1000 with a blank note."""
    amount = read_amount(cell)
    return both(None if amount is None else amount > 0 and amount % 1000 == 0, not note.strip(BLANK))


def fresh(row: Row) -> bool | None:
    """Whether a first order of an account of at most seven days used a coupon."""
    at, registered = read_time(row["下单时间"]), read_time(row["注册时间"])
    young: bool | None = None
    if at and registered and at - registered >= -timedelta(days=1):
        young = at - registered <= timedelta(days=7)
    prior = row["历史订单数"].strip(BLANK)
    return both(young, int(prior) <= 0 if prior else None, row["优惠券"].strip(BLANK) not in {"", "0", "无", "否"})


def ip_key(cell: str) -> str | None:
    """The IP, None where it is blank or masked."""
    text = cell.strip(BLANK)
    return None if text in {"", "-", "未知"} or "*" in text else text


def fullest(times: Sequence[Any], who: Sequence[Any], within: Any, scale: int = 1) -> list[int]:
    """Per time the most different `who` in any closed window of length `within` that holds it.

    A fullest window can be moved right until it starts at an order, so those are tried, each on its own.
    """
    out = [0] * len(times)
    for start in set(times):
        inside = [i for i, at in enumerate(times) if start <= at <= start + within * scale]
        count = len({who[i] for i in inside})
        for i in inside:
            out[i] = max(out[i], count)
    return out


@cache
def _phone_library() -> Any:
    import phone

    return phone.Phone()


@cache
def mobile_home(prefix: str) -> str | None:
    """Home of a 7-digit mobile prefix in the words of the library `phone`."""
    found = _phone_library().find(prefix)
    return f"{found['province']}{found['city']}" if found else None


_ABROAD = {"HK": "香港"}


@cache
def other_home(number: str) -> str | None:
    """Home of a landline or foreign number in the words of the library `phonenumbers`."""
    import phonenumbers
    from phonenumbers import geocoder

    parsed = phonenumbers.parse(number, "CN")
    if parsed.country_code != 86:
        return _ABROAD[phonenumbers.region_code_for_country_code(parsed.country_code)]
    return geocoder.description_for_number(parsed, "zh") or None


def phone_home(cell: str) -> str | None:
    """The words for where a number is at home; None for masked, virtual, blank, service and unknown numbers."""
    text = unicodedata.normalize("NFKC", cell).strip(BLANK + "'").removesuffix(".0")
    if "转" in text or re.fullmatch(r"1\d{10}-\d{3,4}", text) or re.match(r"[48]00-|955", text):
        return None
    bare = re.sub(r"[\s()-]", "", text)
    bare = re.sub(r"^(\+86|0086|86(?=1\d{10}$))", "", bare)
    if re.fullmatch(r"1[3-9]\d{5}(\d{4}|\*{4})", bare):
        return mobile_home(bare[:7])
    if not bare or "*" in bare:
        return None
    return other_home(re.sub(r"\d{4}$", "1234", bare) if bare.startswith("0") else bare)


def distances(homes: Iterable[tuple[str, str]]) -> dict[tuple[str, str], float | None]:
    """Geodesic kilometres between each pair of place texts, None where one is no place."""
    from geopy.distance import geodesic

    pairs = list(dict.fromkeys(homes))
    texts = list(dict.fromkeys(text for pair in pairs for text in pair))
    found = locate(pl.Series(texts, dtype=pl.String))
    at = dict(zip(texts, found.select("lat", "lon").iter_rows(), strict=True))
    measured = {}
    for a, b in pairs:
        known = None not in (*at[a], *at[b])
        measured[a, b] = geodesic(at[a], at[b]).km if known else None
    return measured


def judge(rows: Iterable[Row]) -> Oracle:
    """Every default rule on every row, one by one."""
    oracle = Oracle()
    for row in rows:
        key = (row["平台"], row["订单编号"].strip(BLANK))
        if key[1] and readable(row):
            oracle.orders[key] = row
        else:
            oracle.rejected += 1
    groups: dict[str, list[tuple[datetime, Key]]] = defaultdict(list)
    for key, row in oracle.orders.items():
        oracle.say("risky-address", key, risky(row["收货地址"]))
        oracle.say("round-amount", key, round_sum(row["实付金额"], row["买家留言"]))
        oracle.say("new-account-coupon", key, fresh(row))
        ip, at = ip_key(row["下单IP"]), read_time(row["下单时间"])
        if ip is None or at is None:
            oracle.say("ip-burst", key, None)
        else:
            groups[ip].append((at, key))
    for group in groups.values():
        if len(group) >= 3:
            counts = fullest([at for at, _ in group], [key for _, key in group], timedelta(minutes=5))
            for (_, key), count in zip(group, counts, strict=True):
                oracle.counts[key] = count
                oracle.say("ip-burst", key, count >= 3)
    homes = {key: (phone_home(row["联系电话"]), row["发货地"].strip(BLANK)) for key, row in oracle.orders.items()}
    km = distances((home, place) for home, place in homes.values() if home and place)
    for key, (home, place) in homes.items():
        far = km[home, place] if home and place else None
        oracle.say("far-phone", key, None if far is None else far > 2000)
    return oracle


# --- the scan -----------------------------------------------------------------------------------------------


@dataclass
class Scanned:
    """What one scan left: its summary and its three frames."""

    run: dict[str, Any]
    findings: pl.DataFrame
    decisions: pl.DataFrame
    coverage: pl.DataFrame

    def keys(self, rule: str) -> set[Key]:
        """Orders that a rule flagged."""
        return set(self.findings.filter(pl.col("rule_id") == rule).select("platform", "order_id").iter_rows())

    def rules_of(self, order_id: str) -> set[str]:
        """Rules that flagged an order."""
        return set(self.findings.filter(pl.col("order_id") == order_id)["rule_id"])

    def sorted_findings(self) -> pl.DataFrame:
        """Findings in an order that tells nothing of the input's."""
        names = ["platform", "order_id", "rule_id", "rule_fingerprint", "value", "reason"]
        return self.findings.select(names).sort(names)


_serial = iter(range(1_000_000))


def scan_paths(
    paths: Sequence[Path], work: Path, outputs: frozenset[str] = FRAMES, ledger: Path | None = None
) -> Scanned:
    """Scan with the default rulebook into a fresh output folder."""
    number = next(_serial)
    out = work / f"out{number}"
    result = scan(
        Options(
            paths=[str(p) for p in paths],
            book=load_rulebook(RULES),
            team=Team(),
            out=out,
            ledger=ledger or work / f"ledger{number}",
            now=datetime(2026, 11, 13, tzinfo=UTC),
            run_id=f"20261113T000000-{number:06x}",
            outputs=outputs,
        )
    )
    frames = [pl.read_parquet(out / f"{name}.parquet") for name in ("findings", "decisions", "coverage")]
    return Scanned(result.run, *frames)


def scan_rows(rows: Sequence[Row], work: Path, ledger: Path | None = None) -> Scanned:
    """Scan rows as one CSV."""
    return scan_paths([write_csv(rows, work / f"rows{next(_serial)}.csv")], work, ledger=ledger)


@pytest.fixture(scope="module")
def world() -> list[Row]:
    return make_world(ORDERS, SEED)


@pytest.fixture(scope="module")
def oracle(world: list[Row]) -> Oracle:
    return judge(world)


@pytest.fixture(scope="module")
def scanned(world: list[Row], tmp_path_factory: pytest.TempPathFactory) -> Scanned:
    work = tmp_path_factory.mktemp("whole")
    return scan_paths([write_csv(world, work / "orders.csv")], work, frozenset(OUTPUTS))


def told(keys: Iterable[Key], oracle: Oracle) -> str:
    """The first rows of a difference, with the cells that rules read."""
    names = [
        "下单时间",
        "下单IP",
        "收货地址",
        "实付金额",
        "买家留言",
        "联系电话",
        "发货地",
        "注册时间",
        "历史订单数",
        "优惠券",
    ]
    return "\n".join(f"  {key}: { {n: oracle.orders[key][n] for n in names} }" for key in sorted(keys)[:8])


@pytest.mark.parametrize("rule", POINTS)
def test_every_rule_flags_exactly_the_brute_force_set(rule: str, oracle: Oracle, scanned: Scanned) -> None:
    wanted, got = oracle.hits[rule], scanned.keys(rule)
    missed, extra = wanted - got, got - wanted
    assert not missed, f"{rule}: {len(missed)} missed, such as\n{told(missed, oracle)}"
    assert not extra, f"{rule}: {len(extra)} too many, such as\n{told(extra, oracle)}"
    assert len(got) > ORDERS / 200, "the world must exercise the rule"


@pytest.mark.parametrize("rule", POINTS)
def test_coverage_counts_what_could_not_be_judged(rule: str, oracle: Oracle, scanned: Scanned) -> None:
    counted = scanned.coverage.filter(pl.col("rule_id") == rule)
    by_platform = {row["platform"]: row for row in counted.iter_rows(named=True)}
    total = Counter(platform for platform, _ in oracle.orders)
    unknown = Counter(platform for platform, _ in oracle.unknown[rule])
    hits = Counter(platform for platform, _ in oracle.hits[rule])
    for platform, orders in total.items():
        row = by_platform[platform]
        assert (row["not_evaluable"], row["hits"]) == (unknown[platform], hits[platform]), (rule, platform)
        assert row["judged"] + row["not_evaluable"] == orders


def test_values_are_the_measured_numbers(oracle: Oracle, scanned: Scanned) -> None:
    measured = scanned.findings.select("platform", "order_id", "rule_id", "value")
    for platform, order_id, rule, value in measured.iter_rows():
        key = (platform, order_id)
        if rule == "ip-burst":
            assert value == oracle.counts[key], key
        elif rule == "round-amount":
            assert Decimal(value) == read_amount(oracle.orders[key]["实付金额"]), key


def test_decisions_add_up(oracle: Oracle, scanned: Scanned) -> None:
    assert len(scanned.decisions) == len(oracle.orders)
    decided = scanned.decisions.select("platform", "order_id", "score", "band")
    for platform, order_id, score, band in decided.iter_rows():
        wanted = oracle.score((platform, order_id))
        assert score == wanted, (platform, order_id)
        assert band == ("hold" if wanted >= 30 else "review" if wanted >= 20 else "pass"), (platform, order_id)


def test_read_is_clean_and_flagged_and_rejected(oracle: Oracle, scanned: Scanned) -> None:
    run = scanned.run
    flagged = sum(1 for key in oracle.orders if oracle.score(key) >= 20)
    assert run["read"] == run["clean"] + run["flagged"] + run["rejected"]
    assert (run["flagged"], run["rejected"]) == (flagged, oracle.rejected)
    assert run["read"] == len(oracle.orders) + oracle.rejected
    assert 0.08 < flagged / ORDERS < 0.12, "about a tenth of the world should be odd"


def test_row_order_does_not_matter(world: list[Row], scanned: Scanned, tmp_path: Path) -> None:
    shuffled = random.Random(7).sample(world, len(world))
    again = scan_rows(shuffled, tmp_path)
    assert again.sorted_findings().equals(scanned.sorted_findings())


def test_seven_files_of_five_sorts_are_one(world: list[Row], scanned: Scanned, tmp_path: Path) -> None:
    parts: list[list[Row]] = [[] for _ in range(7)]
    gbk, books, rest = 0, 1, 2
    for i, row in enumerate(world):
        part = i % 50 % 7  # the workbook and the JSON file are slow to write, but not small
        parts[part if part != gbk or _fits_gbk(row) else rest].append(row)
    folder = tmp_path / "exports"
    folder.mkdir()
    write_csv(parts[gbk], folder / "a_gbk.csv", encoding="gbk")
    write_xlsx(parts[books][:3000], folder / "b.xlsx")
    write_csv(parts[books][3000:] + parts[rest], folder / "c.csv")
    write_json(parts[3], folder / "d.json")
    write_parquet(parts[4], folder / "e.parquet")
    write_csv(parts[5], folder / "f.csv", encoding="utf-8-sig")
    write_csv(parts[6], folder / "g.csv")
    again = scan_paths([folder], tmp_path)
    assert len(again.run["inputs"]) == 7
    assert again.sorted_findings().equals(scanned.sorted_findings())
    for name in ("read", "clean", "flagged", "rejected"):
        assert again.run[name] == scanned.run[name], name


def _fits_gbk(row: Row) -> bool:
    try:
        "".join(row.values()).encode("gbk")
    except UnicodeEncodeError:
        return False
    return True


# --- boundaries, each order named after what it shows ---------------------------------------------------------

NOON = datetime(2026, 11, 11, 12)  # noqa: DTZ001 - wall-clock time of the shop
WEEK = timedelta(days=7)
NEW = {"历史订单数": "0", "优惠券": "新人券"}
FAR = "13999110000"  # 乌鲁木齐

EDGES: dict[str, dict[str, dict[str, str]]] = {
    "risky-address": {
        "+word": {"收货地址": "余杭区临时仓3号"},
        "+word-split-by-blanks-and-dots": {"收货地址": "余杭区临 时·仓3号"},
        "+word-split-by-ideographic-space": {"收货地址": "某小区代\u3000收点"},
        "+masked-yet-visible-word": {"收货地址": "文三路***临时仓"},
        "-words-in-another-order": {"收货地址": "代货收点旁"},
        "?masked": {"收货地址": "文三路***"},
        "?blank": {"收货地址": " "},
    },
    "round-amount": {
        "+thousand-and-blank": {"实付金额": "1000", "买家留言": ""},
        "+thousand-with-cents": {"实付金额": "1000.00", "买家留言": " "},
        "+note-of-ideographic-spaces": {"实付金额": "2000", "买家留言": "\u3000\u3000"},
        "+note-of-no-break-space": {"实付金额": "2000", "买家留言": "\u00a0"},
        "+with-sign-and-comma": {"实付金额": "¥2,000.00", "买家留言": ""},
        "-a-note": {"实付金额": "1000", "买家留言": "送礼"},
        "-zero": {"实付金额": "0", "买家留言": ""},
        "-negative": {"实付金额": "-1000", "买家留言": ""},
        "-a-fraction-of-a-cent": {"实付金额": "1000.004", "买家留言": ""},
        "-one-cent-more": {"实付金额": "1000.01", "买家留言": ""},
        "-blank-amount-but-a-note": {"实付金额": "", "买家留言": "送礼"},
        "?blank-amount": {"实付金额": "", "买家留言": ""},
    },
    "far-phone": {
        "+far": {"联系电话": FAR},
        "+far-with-plus-86": {"联系电话": f"+86 {FAR}"},
        "+far-landline": {"联系电话": "0991-2345678"},
        "+far-with-seven-digits-known": {"联系电话": "1399911****"},
        "-near": {"联系电话": "18414401234"},
        "-near-landline": {"联系电话": "0571-87654321"},
        "-far-but-leaves-from-there": {"联系电话": FAR, "发货地": "乌鲁木齐仓"},
        "?masked": {"联系电话": "138****1234"},
        "?virtual-with-word": {"联系电话": "18412345678转1234"},
        "?virtual-with-dash": {"联系电话": f"{FAR}-1234"},
        "?blank-phone": {"联系电话": ""},
        "?blank-ship-from": {"联系电话": FAR, "发货地": ""},
        "?ship-from-is-no-place": {"联系电话": FAR, "发货地": "华东仓"},
    },
    "new-account-coupon": {
        "+exactly-seven-days": {**NEW, "注册时间": stamp(NOON - WEEK)},
        "+registered-with-the-order": {**NEW, "注册时间": stamp(NOON)},
        "-seven-days-and-a-second": {**NEW, "注册时间": stamp(NOON - WEEK - timedelta(seconds=1))},
        "-second-order": {**NEW, "注册时间": stamp(NOON), "历史订单数": "1"},
        "-coupon-none": {**NEW, "注册时间": stamp(NOON), "优惠券": "无"},
        "-coupon-nought": {**NEW, "注册时间": stamp(NOON), "优惠券": "0"},
        "-coupon-blank": {**NEW, "注册时间": stamp(NOON), "优惠券": " "},
        "-no-registration-but-no-coupon": {**NEW, "注册时间": "", "优惠券": ""},
        "?no-registration": {**NEW, "注册时间": ""},
        "?registered-two-days-later": {**NEW, "注册时间": stamp(NOON + timedelta(days=2))},
    },
}


@pytest.fixture(scope="module")
def edges(tmp_path_factory: pytest.TempPathFactory) -> Scanned:
    rows = [order(f"{rule}{name}", **changes) for rule, cases in EDGES.items() for name, changes in cases.items()]
    return scan_rows(rows, tmp_path_factory.mktemp("edges"))


@pytest.mark.parametrize(("rule", "name"), [(rule, name) for rule, cases in EDGES.items() for name in cases])
def test_boundary(rule: str, name: str, edges: Scanned) -> None:
    """`+` is flagged by this rule and no other; `-` and `?` are not flagged at all."""
    assert edges.rules_of(f"T{rule}{name}") == ({rule} if name.startswith("+") else set())


@pytest.mark.parametrize("rule", EDGES)
def test_boundary_coverage(rule: str, edges: Scanned) -> None:
    rows = [order(f"{r}{n}", **c) for r, cases in EDGES.items() for n, c in cases.items()]
    own = sum(name.startswith("?") for name in EDGES[rule])
    counted = edges.coverage.filter(pl.col("rule_id") == rule)["not_evaluable"].sum()
    assert counted == len(judge(rows).unknown[rule])
    assert counted >= own


BURSTS = {
    "three-in-exactly-five-minutes": ((0, 120, 300), "+++"),
    "the-third-a-second-late": ((0, 120, 301), "---"),
    "all-in-one-second": ((0, 0, 0), "+++"),
    "two-are-not-three": ((0, 1), "--"),
    "a-chain-that-never-holds-three": ((0, 200, 400, 600), "----"),
    "all-members-not-only-the-third": ((0, 150, 300, 450), "++++"),
    "a-tail-outside": ((0, 0, 300, 301, 601), "+++--"),
    "the-late-one-makes-a-burst-of-its-own": ((0, 301, 302, 601), "-+++"),
}


@pytest.mark.parametrize("name", BURSTS)
def test_burst(name: str, tmp_path: Path) -> None:
    offsets, wanted = BURSTS[name]
    rows = [
        order(i, 下单IP="192.0.2.7", 下单时间=stamp(NOON + timedelta(seconds=offset)))
        for i, offset in enumerate(offsets)
    ]
    found = scan_rows(rows[::-1], tmp_path)
    assert "".join("+" if found.rules_of(f"T{i}") else "-" for i in range(len(rows))) == wanted


@pytest.mark.parametrize("ip", ["", " ", "\u3000", "-", "183.12.*.*", "10.0.0.***"])
def test_blank_and_masked_ips_never_group(ip: str, tmp_path: Path) -> None:
    found = scan_rows([order(i, 下单IP=ip) for i in range(5)], tmp_path)
    assert found.findings.is_empty()
    assert found.coverage.filter(pl.col("rule_id") == "ip-burst")["not_evaluable"].sum() == 5


def test_a_microsecond_beyond_the_window_is_outside(tmp_path: Path) -> None:
    times = [NOON, NOON, NOON + timedelta(minutes=5, microseconds=1)]
    rows = [order(i, 下单IP="192.0.2.7", 下单时间=stamp(at)) for i, at in enumerate(times)]
    assert scan_rows(rows, tmp_path).findings.is_empty()


# --- a burst cut by scans -----------------------------------------------------------------------------------


def _bursty(rng: random.Random, n: int) -> list[Row]:
    spots = [rng.randrange(900) for _ in range(n)]
    return [
        order(i, 下单IP=f"192.0.2.{rng.randrange(3)}", 下单时间=stamp(NOON + timedelta(seconds=at)))
        for i, at in enumerate(spots)
    ]


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("chronological", [True, False])
def test_a_burst_cut_by_two_scans_is_still_whole(seed: int, chronological: bool, tmp_path: Path) -> None:  # noqa: FBT001
    rng = random.Random(seed)
    rows = _bursty(rng, 24)
    if chronological:
        rows.sort(key=lambda row: row["下单时间"])
    cut = rng.randrange(1, len(rows))
    ledger = tmp_path / "ledger"
    found = [scan_rows(part, tmp_path, ledger).keys("ip-burst") for part in (rows[:cut], rows[cut:])]
    whole = judge(rows).hits["ip-burst"]
    assert found[0] == judge(rows[:cut]).hits["ip-burst"]
    assert found[0] | found[1] == whole
    assert whole, "the batch must hold a burst"


def test_one_order_a_scan_is_still_a_burst(tmp_path: Path) -> None:
    rows = [order(i, 下单IP="192.0.2.7", 下单时间=stamp(NOON + timedelta(seconds=150 * i))) for i in range(3)]
    found = [scan_rows([row], tmp_path, tmp_path / "ledger").keys("ip-burst") for row in rows]
    assert [len(keys) for keys in found] == [0, 0, 3]


# --- the window primitive -----------------------------------------------------------------------------------

Event = tuple[str | None, int | None, str | None]


def _check_window(events: Sequence[Event], width: int, at_least: int, *, people: bool, unit: int) -> None:
    """`fullest_window` against trying every window; times are `unit` microseconds apart."""
    keys, times, who = ([event[i] for event in events] for i in range(3))
    usable = [
        i
        for i in range(len(events))
        if keys[i] is not None and times[i] is not None and (who[i] is not None or not people)
    ]
    wanted: list[int | None] = [None] * len(events)
    for key in {keys[i] for i in usable}:
        members = [i for i in usable if keys[i] == key]
        counted = fullest([times[i] for i in members], [who[i] if people else i for i in members], width)
        for i, count in zip(members, counted, strict=True):
            wanted[i] = count
    at = pl.Series([None if t is None else t * unit for t in times], dtype=pl.Int64).cast(pl.Datetime("us", "UTC"))
    got = fullest_window(
        pl.Series(keys, dtype=pl.String), at, timedelta(microseconds=width * unit), at_least,
        pl.Series(who, dtype=pl.String) if people else None,
    ).to_list()  # fmt: skip
    assert len(got) == len(events)
    for i, (mine, theirs) in enumerate(zip(wanted, got, strict=True)):
        where = f"order {i} of {events}, width {width}, at least {at_least}, people {people}"
        assert (mine is None) == (theirs is None), where
        if mine is not None and theirs is not None:
            assert (mine >= at_least) == (theirs >= at_least), where
            if mine >= at_least:
                assert mine == theirs, where


events_of = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "c", None]),
        st.one_of(st.none(), st.integers(0, 25)),
        st.sampled_from(["x", "y", "z", None]),
    ),
    max_size=30,
)


@settings(max_examples=150 * ROUNDS, deadline=None)
@given(
    events=events_of,
    width=st.integers(1, 10),
    at_least=st.integers(2, 5),
    people=st.booleans(),
    unit=st.sampled_from([1, 1_000_000, 86_400_000_000 * 365]),
)
def test_windows_are_the_fullest(events: list[Event], width: int, at_least: int, people: bool, unit: int) -> None:  # noqa: FBT001
    _check_window(events, width, at_least, people=people, unit=unit)


def test_windows_over_thousands_of_small_batches() -> None:
    rng = random.Random(5)
    for _ in range(800 * ROUNDS):
        length, busy = rng.choice([6, 30, 300]), rng.choice([0.1, 0.5])
        events: list[Event] = [
            (
                None if rng.random() < 0.05 else rng.choice("ab"),
                None if rng.random() < 0.05 else rng.randrange(length),
                None if rng.random() < 0.05 else rng.choice("wxyz" if busy > 0.2 else "wx"),
            )
            for _ in range(rng.randrange(0, 22))
        ]
        width, at_least = rng.choice([1, 3, 5, length]), rng.randrange(2, 5)
        _check_window(events, width, at_least, people=rng.random() < 0.5, unit=rng.choice([1, 1_000_000]))


def test_the_world_is_the_same_twice() -> None:
    first: Callable[[], list[Row]] = lambda: make_world(500, 3)  # noqa: E731
    assert first() == first()
    assert tuple(first()[0]) == HEADERS
