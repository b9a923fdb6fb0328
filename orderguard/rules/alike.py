"""Addresses that are almost the same: an exact set-similarity join over the addresses of one city, or another region.

Measure: Soerensen-Dice over bigrams, 2 |x and y| / (|x| + |y|), each bigram as often as it occurs (Dice 1945, Soerensen 1948; for
texts Adamson and Boreham 1974). A number is one character: 501 is as far from 502 as from 1507.

Two alike addresses share one of their rarest bigrams (prefix filter: Chaudhuri et al. 2006, Bayardo et al. 2007), which leaves
most addresses alone before any two are compared. The others are compared with 4,096 at a time: a bigram is a number whose bits
are the addresses that have it, and the overlaps of all 4,096 are added up in binary, a bit plane at a time. So what addresses
share, and how many are alike, hardly matters: the hostile case costs what the ordinary one does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from orderguard.texts import HAN, mended

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST = 200
"""Characters of an address that are compared: a hostile one costs no more."""
_BITS = 12
_MANY = 16
_SET = [[k for k in range(8) if byte >> k & 1] for byte in range(256)]
_BATCH = 1_000_000
_UNITS = ("号", "栋", "幢", "座", "单元", "楼", "层", "室", "期", "区")
_NUMERALS = {n + u: f"{i}{u}" for i, n in enumerate("一二三四五六七八九", 1) for u in _UNITS}
# Behind a number these only say that it is one: 3幢2单元501室 is 3-2-501.
_BEHIND = r"(\d)(?:号楼|号院|号|號|栋|棟|幢|座|单元|單元|室|房|楼|樓|层|層)+"


def symbols(detail: pl.Expr) -> pl.Expr:
    """What is compared of an address: a list of its characters, each number and each Latin word as one.

    Width, case, blanks and punctuation do not matter, nor 号 栋 单元 室 behind a number, nor 三单元 for 3单元.
    """
    short = detail.str.slice(0, LONGEST)
    plain = mended(short, rf"[^0-9a-z{HAN}]", lambda c: c.str.normalize("NFKC").str.to_lowercase())
    plain = plain.str.replace_many(list(_NUMERALS), list(_NUMERALS.values())).str.replace_all(_BEHIND, "$1 ")
    return plain.str.extract_all(rf"[0-9]+|[a-z]+|[{HAN}]")


class Alike:
    """Distinct addresses, cut into bigrams.

    Args:
        places: `group` (text; only addresses of one group are compared) and `symbols` (two or more), sorted by both.
        least: per mille of the measure from which two are alike, 1 to 1000.

    Attributes:
        table: a row for each bigram that several addresses of the group have: `at` (row of its address), `token` (the rarer, the
            smaller); sorted by both.
        sizes: of each address its `group` (a number), `size` (all its bigrams) and `first` (how many in `table` are among those of
            which two alike addresses share one).
    """

    def __init__(self, places: pl.DataFrame, least: int) -> None:
        self.least = least
        one = places.lazy().select(
            "symbols", group=pl.col("group").rle_id(), at=pl.int_range(pl.len(), dtype=pl.UInt32)
        )
        # Numbers from here on: texts take four times as long.
        one = one.explode("symbols")
        signs = one.select(pl.col("symbols").unique()).with_row_index("sign").cast({"sign": pl.Int64})
        sign = one.join(signs, on="symbols", how="left", maintain_order="left").drop("symbols")
        same = pl.col("at") == pl.col("at").shift(-1)
        pair = pl.when(same).then(pl.col("sign") * (1 << 32) + pl.col("sign").shift(-1)).rank("dense").cast(pl.Int64)
        pairs = sign.select("at", "group", pair=pair).drop_nulls("pair")
        often = pairs.group_by("at", "group", "pair").agg(n=pl.len().cast(pl.Int64)).collect()
        again = often.filter(pl.col("n") > 1).with_columns(pl.int_ranges(1, "n").alias("n")).explode("n")
        each = pl.concat([often.with_columns(n=pl.lit(0, dtype=pl.Int64)), again])
        # An address has at most LONGEST bigrams: which of its equal ones a bigram is, takes eight bits.
        each = each.select("at", key=pl.col("group").cast(pl.Int64) * (1 << 36) + pl.col("pair") * 256 + pl.col("n"))
        rare = each.group_by("key").len().filter(pl.col("len") > 1).sort("len", "key").with_row_index("token")
        self.table = each.join(rare.select("key", "token"), on="key").select("at", "token").sort("at", "token")
        # The rarest come first, and of those that nobody shares none is in the table.
        size = pl.col("size")
        fewest = (least * size + 1999 - least) // (2000 - least)
        count = often.group_by("at", "group").agg(size=pl.col("n").sum())
        count = count.join(self.table.group_by("at").agg(kept=pl.len().cast(pl.Int64)), on="at", how="left").sort("at")
        first = (size - fewest + 1 - (size - pl.col("kept").fill_null(0))).clip(0)
        self.sizes = count.select("at", "group", "size", first=first)

    def share(self, pairs: pl.DataFrame) -> pl.Series:
        """The measure (Float64) of each pair `at`, `other` of `pairs`."""
        both = pairs.select("at", "other").unique().drop_nulls()
        met = both.join(self.table, on="at").join(self.table.select("token", other="at"), on=["other", "token"])
        met = met.group_by("at", "other").len().join(self.sizes.select("at", "size"), on="at")
        met = met.join(self.sizes.select(other="at", more="size"), on="other")
        told = met.select("at", "other", alike=2 * pl.col("len") / (pl.col("size") + pl.col("more")))
        return pairs.join(told, on=["at", "other"], how="left", maintain_order="left")["alike"].fill_null(0)

    def around(self, orders: pl.Series, at_least: int) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
        """Neighbourhoods: to each address all that are alike to it, and itself.

        Args:
            orders: how many orders each address has.
            at_least: addresses around which there are fewer orders are left out.

        Yields:
            For some at a time: `key at` (the address is in that neighbourhood) and `at key` (whose neighbourhood it is).
            Addresses with the same neighbours share one key.
        """
        count = pl.DataFrame({"orders": orders.cast(pl.Int64)}).with_row_index("at")
        rows = self.table.join(self.sizes, on="at", maintain_order="left")
        prefix = (
            rows.filter(pl.int_range(pl.len()).over("at") < pl.col("first")).select("at", "token").join(count, on="at")
        )
        shared = prefix.group_by("token").agg(pl.len(), all=pl.col("orders").sum()).filter(pl.col("len") > 1)
        near = prefix.join(shared, on="token").group_by("at").agg(more=(pl.col("all") - pl.col("orders")).sum())
        count = count.join(near, on="at", how="left", maintain_order="left")
        wanted = count.filter(pl.col("orders") + pl.col("more").fill_null(0) >= at_least)
        alone = wanted.filter(pl.col("more").is_null()).select("at", key=pl.col("at"))
        if len(alone):
            yield alone.select("key", "at"), alone
        rows = rows.join(near, on="at", how="semi", maintain_order="left")
        rows = rows.group_by("group", "at", "size", "first", maintain_order=True).agg("token")
        asked = set(wanted["at"])
        for group in rows.partition_by("group", maintain_order=True):
            yield from _batches(_Group(group, self.least).neighbourhoods(asked), group["at"], orders, at_least)


class _Group:
    """The addresses of one group as bits, block by block.

    Args:
        rows: of each address `at`, its `size`, its `token`s that another has too, and how many of these are in its prefix (`first`).
        least: as in `Alike`.
    """

    def __init__(self, rows: pl.DataFrame, least: int) -> None:
        self.least, self.rows = least, rows
        self.tokens, self.sizes = rows["token"].to_list(), rows["size"].to_list()
        self.where: dict[int, dict[int, int]] = {}
        self.lengths: list[dict[int, int]] = [{} for _ in range((len(rows) >> _BITS) + 1)]
        for i, (some, size) in enumerate(zip(self.tokens, self.sizes, strict=True)):
            block, bit = _block_and_bit(i)
            lengths = self.lengths[block]
            lengths[size] = lengths.get(size, 0) | bit
            for code in some:
                blocks = self.where.setdefault(code, {})
                blocks[block] = blocks.get(block, 0) | bit

    def neighbourhoods(self, asked: set[int]) -> dict[tuple[tuple[int, int], ...], list[int]]:
        """The neighbourhoods of the addresses `asked`, as block and bits, and whose each is (places in `rows`)."""
        found: dict[tuple[tuple[int, int], ...], list[int]] = {}
        for i, (at, first) in enumerate(self.rows.select("at", "first").iter_rows()):
            if at in asked:
                found.setdefault(tuple(self._neighbours(i, first)), []).append(i)
        return found

    def _neighbours(self, i: int, first: int) -> Iterator[tuple[int, int]]:
        block, bit = _block_and_bit(i)
        maybe = {block: bit}
        for code in self.tokens[i][:first]:
            for other, bits in self.where[code].items():
                maybe[other] = maybe.get(other, 0) | bits
        for other, bits in sorted(maybe.items()):
            near = self._alike_in_block(i, other, bits) if bits != bit or other != block else 0
            near |= bit if other == block else 0
            if near:
                yield other, near

    def _alike_in_block(self, i: int, block: int, bits: int) -> int:
        """Those of `bits` that are alike to address `i`."""
        size, near = self.sizes[i], 0
        planes: list[int] | None = None
        for other, some in self.lengths[block].items():
            left, need = bits & some, -(-self.least * (size + other) // 2000)
            if left and need <= min(size, other):
                if planes is None:
                    planes = _count_planes([self.where[code].get(block, 0) & bits for code in self.tokens[i]])
                near |= _bits_counted(planes, need, left)
        return near


def _block_and_bit(i: int) -> tuple[int, int]:
    """The block of an address, and its bit there."""
    return i >> _BITS, 1 << (i & (1 << _BITS) - 1)


def _count_planes(sets: list[int]) -> list[int]:
    """How many of the sets each bit is in, in binary: bit planes, the lowest first."""
    planes: list[int] = []
    for carry in sets:
        left = carry
        for i, plane in enumerate(planes):
            if not left:
                break
            planes[i], left = plane ^ left, plane & left
        if left:
            planes.append(left)
    return planes


def _bits_counted(planes: list[int], need: int, among: int) -> int:
    """The bits of `among` whose count is `need` or more."""
    if need >> len(planes):
        return 0
    above, equal = 0, among
    for i in range(len(planes) - 1, -1, -1):
        if need >> i & 1:
            equal &= planes[i]
        else:
            above |= equal & planes[i]
            equal &= ~planes[i]
    return above | equal


def _set_bits(number: int, start: int) -> list[int]:
    """Which bits are set, counted from `start`."""
    if number.bit_count() > _MANY:
        told = number.to_bytes((number.bit_length() + 7) // 8, "little")
        return [start + 8 * i + k for i, byte in enumerate(told) if byte for k in _SET[byte]]
    out = []
    while number:
        low = number & -number
        out.append(start + low.bit_length() - 1)
        number ^= low
    return out


def _batches(
    found: dict[tuple[tuple[int, int], ...], list[int]], at: pl.Series, orders: pl.Series, at_least: int
) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    """Neighbourhoods with `at_least` orders, as frames that meet about a million orders."""
    count = orders.gather(at).to_list()
    key, member, whose, own, weight = list[int](), list[int](), list[int](), list[int](), 0
    for some, mine in found.items():
        near = [i for block, bits in some for i in _set_bits(bits, block << _BITS)]
        met = sum(count[i] for i in near)
        if met < at_least:
            continue
        key += [mine[0]] * len(near)
        member += near
        own += mine
        whose += [mine[0]] * len(mine)
        weight += met
        if weight >= _BATCH:
            yield _frames(at, key, member, own, whose)
            key, member, whose, own, weight = [], [], [], [], 0
    if key:
        yield _frames(at, key, member, own, whose)


def _frames(
    at: pl.Series, key: list[int], member: list[int], own: list[int], whose: list[int]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    return (
        pl.DataFrame({"key": at.gather(key), "at": at.gather(member)}),
        pl.DataFrame({"at": at.gather(own), "key": at.gather(whose)}),
    )
