"""Reads a chain of Chinese region words (广东省, 深圳市, 南山区) as one place, or says why it cannot."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import NamedTuple

import polars as pl

from orderguard.enrich.tables import table

FILLERS = (
    "中国", "中华人民共和国", "市辖区", "其它区", "其他区", "其它", "其他", "省直辖县级行政区划",
    "省直辖县级行政单位", "自治区直辖县级行政区划", "自治区直辖县级行政单位", "省直辖县", "直辖县",
)  # fmt: skip
GENERIC_FROM = 3  # a district name that this many places carry (市中区) proves no contradiction
# Characters of city names that typists exchange, each pair in code point order.
CONFUSED = frozenset(
    "".join(sorted(pair))
    for pair in (
        "州洲", "圳川", "圳训", "杭抗", "杭航", "苏芬", "郑正", "郑邓", "沈沉", "沈审", "津律", "广厂",
        "武舞", "汉汗", "宁字", "京景", "庆床", "莞完", "佛拂", "珠株", "厦夏", "泉全", "昆坤", "阳杨",
        "合和", "肥服",
    )
)  # fmt: skip
_LEVELS = {"province": 0, "city": 1, "district": 2}


class Place(NamedTuple):
    """One row of the ``places`` table; ``above`` holds itself, its parents and a former city."""

    adcode: int
    level: int
    name: str
    province: str
    city: str | None
    lat: float | None
    lon: float | None
    above: frozenset[int]


class Reading(NamedTuple):
    """What a chain of words means: ``used`` words count; ``state`` as in ``read_words``."""

    state: str
    adcode: int | None
    used: int


class _Places(Mapping[int, Place]):
    """adcode -> place, each made when it is asked for: most runs ask for a few dozen of 3,400."""

    def __init__(self) -> None:
        columns = ("adcode", "level", "name", "province", "city", "lat", "lon", "parent", "once_under")
        self._rows = {row[0]: row for row in table("places").select(columns).iter_rows()}
        self._made: dict[int, Place] = {}

    def __getitem__(self, adcode: int) -> Place:
        made = self._made.get(adcode)
        if made is None:
            made = self._made[adcode] = self._place_of_row(*self._rows[adcode])
        return made

    def _place_of_row(
        self,
        code: int,
        level: str,
        name: str,
        province: str,
        city: str | None,
        lat: float | None,
        lon: float | None,
        parent: int | None,
        once: int | None,
    ) -> Place:
        above = {code, code // 10000 * 10000}
        for step in (parent, once):
            if step is not None:
                above |= {step, self._rows[step][7] or step} if step in self._rows else {step}
        return Place(code, _LEVELS[level], name, province, city, lat, lon, frozenset(above))

    def __contains__(self, adcode: object) -> bool:
        return adcode in self._rows  # the mixin's own would make the place

    def __iter__(self) -> Iterator[int]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)


@cache
def places() -> Mapping[int, Place]:
    """Return adcode -> place."""
    return _Places()


@cache
def names() -> dict[str, dict[int, str]]:
    """Return Chinese region word -> adcode -> kind (official, alias, former, short)."""
    found: dict[str, dict[int, str]] = defaultdict(dict)
    known = set(places())
    chinese = table("names").filter(pl.col("kind") != "latin")
    for name, code, kind in zip(
        chinese["name"].to_list(), chinese["adcode"].to_list(), chinese["kind"].to_list(), strict=True
    ):
        if code in known:
            found[name][code] = kind
    return dict(found)


_FEW = 40
"""Words that are looked up in the table one by one: the dictionary takes as long to make as that many looks."""
_looked_up: dict[str, dict[int, str]] = {}


def _codes_of(word: str) -> Mapping[int, str]:
    """`names()` of one word."""
    if word not in _looked_up:
        if len(_looked_up) >= _FEW:
            return names().get(word, {})
        rows = table("names").filter(pl.col("name") == word, pl.col("kind") != "latin").select("adcode", "kind")
        _looked_up[word] = {code: kind for code, kind in rows.iter_rows() if code in places()}
    return _looked_up[word]


@cache
def region_words() -> list[str]:
    """Return the words that may open an address, longest first (the matcher takes the first in list order).

    Short names of districts are left out: 长安, 和平 or 新华 open far more streets than districts.
    """
    levels = table("places").select("adcode", "level")
    kept = table("names").filter(pl.col("kind") != "latin").join(levels, on="adcode")
    kept = kept.filter((pl.col("kind") != "short") | (pl.col("level") != "district"))
    words = pl.concat([kept["name"], pl.Series("name", FILLERS)]).unique().to_frame()
    return words.sort(pl.col("name").str.len_chars(), "name", descending=[True, False])["name"].to_list()


@cache
def _meanings(word: str) -> tuple[tuple[int, ...], bool]:
    """Return the places of a word and whether it is written in full (杭州市 is, 杭州 is not)."""
    codes = _codes_of(word)
    whole = tuple(code for code, kind in codes.items() if kind != "short" or places()[code].level < 2)
    return whole, any(kind in {"official", "former"} for kind in codes.values())


def _on_one_path(code: int, chain: Sequence[int]) -> bool:
    return any(known in places()[code].above or code in places()[known].above for known in chain)


def _deepest(chain: Sequence[int], codes: Sequence[int]) -> list[int]:
    """Return the chain after a word that fits it: the deeper of each related pair."""
    found = []
    for known in chain:
        for code in codes:
            if known in places()[code].above:
                found.append(code)
            elif code in places()[known].above:
                found.append(known)
    return list(dict.fromkeys(found))


def _one_of(chain: Sequence[int]) -> int | None:
    """Return the place meant by several candidates, ``None`` if it stays open.

    北京市 is province and city at once: the city. 吉林 is a province and a city: the province, which holds
    for both.
    """
    top = min(places()[code].level for code in chain)
    highest = [code for code in chain if places()[code].level == top]
    if len(highest) > 1:
        return None
    same = [c for c in chain if places()[c].name == places()[highest[0]].name and highest[0] in places()[c].above]
    return max(same, key=lambda code: places()[code].level)


def read_words(words: Sequence[str], start: int | None = None) -> Reading:
    """Read region words in their order of writing, below the place ``start`` where one is known.

    A word that does not fit stops the reading. It is a contradiction if it is written in full, or if the next
    word belongs to it (广东 杭州 西湖区); a street named after a far city (广东省北京路) is not.

    The state is ok, contradictory, ambiguous or no_region.
    """
    chain: list[int] = [start] if start is not None else []
    used = 0
    for position, word in enumerate(words):
        codes, full = _meanings(word)
        if not codes:
            used += word in FILLERS
            if word in FILLERS:
                continue
            break
        fitting = [code for code in codes if not chain or _on_one_path(code, chain)]
        if not fitting:
            following = _meanings(words[position + 1])[0] if position + 1 < len(words) else ()
            if _contradicts(codes, following, chain, full=full):
                return Reading("contradictory", _one_of(chain), used)
            break
        chain = _deepest(chain, fitting) if chain else list(fitting)
        used += 1
    if not chain:
        return Reading("no_region", None, used)
    adcode = _one_of(chain)
    return Reading("ok" if adcode else "ambiguous", adcode, used)


def _contradicts(codes: Sequence[int], following: Sequence[int], chain: Sequence[int], *, full: bool) -> bool:
    if not full:
        return any(set(codes) & places()[code].above and not _on_one_path(code, chain) for code in following)
    if len(codes) >= GENERIC_FROM:
        return False
    cities = {code // 100 for known in chain for code in places()[known].above if code % 10000}
    return not any(code // 100 in cities for code in codes)  # two districts of one city: a border, not a lie


def short_district(text: str, start: int | None) -> int | None:
    """Return the district whose short name opens ``text`` below the city ``start``, else ``start``."""
    for length in range(min(len(text), 6), 1, -1):
        codes = [c for c in _codes_of(text[:length]) if start is None or start in places()[c].above]
        if len(codes) == 1 and (start is not None or text[length:] == ""):
            return codes[0]
    return start


@cache
def short_districts() -> pl.DataFrame:
    """Return ``adcode`` (city), ``short``, ``code``: the districts of a city by their names without rank."""
    rows = sorted(
        (parent, short, code)
        for code, level, short, parent in table("places").select("adcode", "level", "short", "parent").iter_rows()
        if level == "district" and short != places()[code].name
    )
    schema = {"adcode": pl.UInt32, "short": pl.String, "code": pl.UInt32}
    return pl.DataFrame(rows, schema=schema, orient="row").unique(["adcode", "short"], keep="none").sort("code")


@cache
def levels() -> pl.DataFrame:
    """Return ``code``, ``addr_province``, ``addr_city``, ``addr_district``, a row a place."""
    return table("places").select(
        code="adcode",
        addr_province="province",
        addr_city="city",
        addr_district=pl.when(pl.col("level") == "district").then("name"),
    )


@cache
def _towns() -> list[Place]:
    return [place for place in places().values() if place.level < _LEVELS["district"]]


def meant_by(token: str, tail: str, within: int | None) -> str | None:
    """Return the province or city that a misspelt ``token`` (广洲市) means, ``None`` if that is not certain.

    One character differs, nothing else fits, and either the pair is often confused or ``tail``, the text
    behind it, opens with one of its districts.
    """
    found = []
    for place in _towns():
        if len(place.name) != len(token) or (within is not None and within not in place.above):
            continue
        pairs = [(a, b) for a, b in zip(token, place.name, strict=True) if a != b]
        if len(pairs) == 1 and pairs[0][1] not in "省市":
            found.append((place, pairs[0]))
    sure = [p.name for p, pair in found if "".join(sorted(pair)) in CONFUSED or _district_opens(tail, p.adcode)]
    return sure[0] if len(set(sure)) == 1 else None


def _district_opens(tail: str, city: int) -> bool:
    return any(
        city in places()[code].above and code != city
        for length in range(2, len(tail) + 1)
        for code, kind in _codes_of(tail[:length]).items()
        if kind != "short" or places()[code].level < _LEVELS["district"]
    )
