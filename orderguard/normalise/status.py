"""Status words of every platform in one set, so that a rulebook can say which orders it is about."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

import polars as pl

from orderguard.columns import BLANKS
from orderguard.normalise.cleaning import few_texts, without
from orderguard.traditional import SIMPLIFIED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from orderguard.normalise.cleaning import Texts

UNKNOWN = "unknown"
RANK = {UNKNOWN: 0, "unpaid": 1, "paid": 2, "shipped": 3, "done": 4, "refunding": 5, "closed": 6, "refunded": 7}
"""How far an order has come: of several words about one order the furthest counts, of several items the nearest."""
_STAGE = {rank: stage for stage, rank in RANK.items()}
_NOTHING = "none"
_PARTS = re.compile(r"[-–—/,，、;；|()\[\]+&\n]+")
_IGNORED = str.maketrans("", "", BLANKS + "_-–—/,;.!、。；") | str.maketrans(SIMPLIFIED)


@dataclass
class StatusWords:
    """What a platform's status words mean.

    Attributes:
        words: word (see `word_key`) -> stage, or `none` for a word that says nothing.
        starts: what a word begins with -> its stage, whatever follows.
        sources: further headings of the file whose words count.
        filled: heading of the file -> the stage of a row whose cell there is filled.
    """

    words: Mapping[str, str] = field(default_factory=dict)
    starts: Mapping[str, str] = field(default_factory=dict)
    sources: tuple[str, ...] = ()
    filled: Mapping[str, str] = field(default_factory=dict)

    def headings(self) -> tuple[str, ...]:
        """Every heading it reads."""
        return (*self.sources, *self.filled)

    def stage(self, word: str) -> str:
        """The stage of one word; `unknown` when it is not known."""
        stage = self._known(word)
        if stage is not None:
            return stage
        parts = [p for p in _PARTS.split(unicodedata.normalize("NFKC", word)) if word_key(p)]
        stages = [self._known(part) for part in parts] if len(parts) > 1 else [None]
        told = [s for s in stages if s is not None and s != _NOTHING]
        if None in stages or not told:
            return UNKNOWN if len(parts) > 1 else self._two_in_one(word_key(word))
        over = [s for s in told if RANK[s] >= RANK["refunding"]]
        # 已付款-待发货: of what is under way the least far, as of several items; what is over is over.
        return max(over, key=RANK.__getitem__) if over else min(told, key=RANK.__getitem__)

    def _two_in_one(self, key: str) -> str:
        """已付款待发货: two known words without a sign between them, neither of which ends anything (退款关闭 is no closed order)."""
        for at in range(2, len(key) - 1):
            ranks = [RANK.get(self.words.get(part, UNKNOWN), 0) for part in (key[:at], key[at:])]
            if min(ranks) > 0 and max(ranks) < RANK["refunding"]:
                return _STAGE[min(ranks)]
        return UNKNOWN

    def _known(self, word: str) -> str | None:
        key = word_key(word)
        if not key:
            return _NOTHING
        if key in self.words:
            return self.words[key]
        return next((s for start, s in self.starts.items() if key.startswith(start)), None)


@lru_cache(maxsize=4096)
def word_key(word: str) -> str:
    """A status as it is compared: full width and traditional characters folded; blanks, case and punctuation ignored."""
    return unicodedata.normalize("NFKC", word).casefold().translate(_IGNORED)


def stages(
    status: pl.Series | None, frame: Texts, words: StatusWords, height: int, none: tuple[str, ...] = ()
) -> tuple[pl.Series, dict[str, tuple[int, int]]]:
    """The stage of each row, null where nothing is said; and words that are not known: word -> count, first index.

    Args:
        status: the platform's own status words, None when the file has none.
        frame: cleaned texts that hold the other headings of `words`.
        words: what they mean.
        height: rows of the table.
        none: words of cells that are not filled.
    """
    unknown: dict[str, tuple[int, int]] = {}
    texts = [] if status is None else [status]
    texts += [frame[s] for s in words.sources if s in frame]
    if len(texts) == 1 and not any(h in frame for h in words.filled):  # nothing to weigh up
        return _stages_of(texts[0], words, unknown, pl.String).alias("stage"), unknown
    ranks = [_stages_of(text, words, unknown, pl.Int8) for text in texts]
    ranks += [
        pl.select(
            pl.when(pl.lit(without(frame[h], none)).is_not_null()).then(pl.lit(RANK[s], dtype=pl.Int8))
        ).to_series()
        for h, s in words.filled.items()
        if h in frame
    ]
    if not ranks:
        return pl.Series("stage", [None], dtype=pl.String).new_from_index(0, height), unknown
    furthest = ranks[0] if len(ranks) == 1 else pl.select(pl.max_horizontal(ranks)).to_series()
    return furthest.replace_strict(_STAGE, default=None, return_dtype=pl.String).alias("stage"), unknown


def _stages_of(
    text: pl.Series, words: StatusWords, unknown: dict[str, tuple[int, int]], dtype: type[pl.DataType]
) -> pl.Series:
    """The stage of each word, by name or as its rank; words that are not known are added to `unknown`."""
    few = few_texts(text)
    distinct: Sequence[str] = (text.drop_nulls().unique(maintain_order=True) if few is None else few).to_list()
    table = {word: words.stage(word) for word in distinct}
    for word in [w for w, s in table.items() if s == UNKNOWN][:50]:
        same = text == word
        unknown[word] = (int(same.sum()), int(same.arg_max() or 0))
    said = {w: None if s == _NOTHING else s if dtype == pl.String else RANK[s] for w, s in table.items()}
    if few is not None:  # to compare with each of them is quicker than to look each cell up
        stage: pl.Expr = pl.lit(None, dtype=dtype)
        for word, means in said.items():
            stage = pl.when(pl.lit(text) == word).then(pl.lit(means, dtype=dtype)).otherwise(stage)
        return pl.select(stage).to_series()
    return text.replace_strict(said, default=None, return_dtype=dtype) if said else text.cast(dtype, strict=False)


def rank(column: str = "stage") -> pl.Expr:
    """A stage as a number, for sorting."""
    return pl.col(column).replace_strict(RANK, default=None, return_dtype=pl.Int8)
