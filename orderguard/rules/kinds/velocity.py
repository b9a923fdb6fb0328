"""Many orders, people or much money from one place in a short time.

Flags:
    every order of a burst: some window of the given length, both ends included, holds at least `at_least`
    orders with the same key (or orders of at least that many different `who`, or orders whose `sum` of an amount
    reaches `at_least`). All members are flagged, not only the last. Windows reach back into the ledger, so a burst
    cut by two exports is still a burst. An `account` is one platform's: the same name elsewhere is somebody else. With `key: [account, basket]` the same goods ordered twice are found.

Why:
    order brushing, coupon farming and bots place many orders from one IP, phone, device or address in minutes.

Misses:
    bursts spread over many IPs, or slower than the window. Campus networks and carrier gateways put honest buyers
    behind one IP: `who: buyer_id` counts people instead of orders. Blank and masked keys, amounts below zero or in
    another currency, and orders without items (for `basket`) are not evaluable.

Settings:
    key: what the orders share, one column or several
    window: in what length of time
    sum: the amount that is added up (amount or discount); without it orders are counted
    currency: adds up only this currency; null adds up all
    at_least: from how many, or how much, on
    who: counts different people (such as buyer_id), not orders

短时间内同一处来了很多单、很多人或很多钱。

标记什么：
    一阵突发里的每一张订单：某一段长 `window` 的时间里（两端都算），同一 `key` 至少有 `at_least` 单（写了 `who` 则是至少这么多个不同的
    `who`；写了 `sum` 则是金额合计达到 `at_least`）。命中的是窗口内全部订单，不只最后一张。窗口会往回看台账，被两次导出切开的
    突发仍是一阵突发。`account` 是某平台的账号：别的平台上同名的是另一个人。`key: [account, basket]` 找同样商品重复下单。

为什么：
    刷单、薅券和机器下单，几分钟内从一个 IP、电话、设备或地址来很多单。

漏掉什么：
    分散在很多 IP 上的、比窗口更慢的。校园网和手机网络出口让很多正常买家共用一个 IP：写 `who: buyer_id` 数人，不数单。
    空白或脱敏的值、负数或其他币种的金额、没有商品明细的订单（用 `basket` 时），无法判断。

设置：
    key：按什么归组，一列或几列
    window：多长时间内
    sum：合计哪个金额：amount 实付、discount 优惠；不写就数单
    currency：合计时只看哪个币种；null 表示都加
    at_least：满多少命中
    who：数多少个不同的人（如 buyer_id），不数单
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import polars as pl
from pydantic import Field, PlainSerializer, ValidationInfo, field_validator

from orderguard.errors import Words
from orderguard.persons import READS, person_keys
from orderguard.rules.base import Measured, Reach, Span, currency_is, whole_or_null
from orderguard.rules.keys import EN, KEYS, ZH, spelt
from orderguard.rules.reasons import number, sentence, span_words
from orderguard.rules.tables import goods
from orderguard.rules.windows import MILLION, fullest_window, millionths

EXAMPLE = """
- id: same-basket
  kind: velocity
  with: {key: [account, basket], window: 1h, at_least: 2}
  points: 20
  flags:
    - - {buyer_id: u1, basket: {NF-900: 2}, created_at: 2026-11-11 10:00:00}
      - {buyer_id: u1, basket: {NF-900: 2}, created_at: 2026-11-11 10:20:00}
  passes:
    - - {buyer_id: u1, basket: {NF-900: 2}, created_at: 2026-11-11 10:00:00}
      - {buyer_id: u1, basket: {NF-900: 3}, created_at: 2026-11-11 10:20:00}
- id: phone-money
  kind: velocity
  with: {key: phone, window: 24h, sum: amount, at_least: 5000}
  points: 20
  flags:
    - - {receiver_phone: "13802580000", amount: 2000, created_at: 2026-11-11 10:00:00}
      - {receiver_phone: "13802580000", amount: 3000, created_at: 2026-11-12 10:00:00}
  passes:
    - - {receiver_phone: "13802580000", amount: 2000, created_at: 2026-11-11 10:00:00}
      - {receiver_phone: "13802580000", amount: 2999.99, created_at: 2026-11-12 10:00:00}
"""


_WRITTEN = {
    "account_key": "buyer_id",
    "name_key": "receiver_name",
    "buyer_name_key": "buyer_name",
    "email_key": "email",
}
"""Facts that stand for a column: what the reason shows."""


class Velocity(Measured):
    """Settings: `key` (one column or several), `window`, `at_least`; `who` counts people, `sum` adds an amount up."""

    later: ClassVar = frozenset({"sum", "currency"})
    key: str | list[str] = Field(default="ip", json_schema_extra={"words": [*KEYS]})
    window: Span
    sum: Literal["amount", "discount"] | None = None
    currency: str | None = "CNY"
    at_least: Annotated[
        float,
        Field(gt=0, le=1_000_000_000),
        PlainSerializer(lambda n: int(n) if n == int(n) else n, return_type=float | int),
    ]
    who: str | None = Field(default=None, json_schema_extra={"words": [*KEYS]})

    @field_validator("key", "who")
    @classmethod
    def _known_keys(cls, value: str | list[str] | None, info: ValidationInfo) -> str | list[str] | None:
        wrong = Words("不能按 {} 归组", "cannot group by {}")
        if isinstance(value, str):
            value = spelt(value, KEYS, wrong)
        elif value is not None:
            value = [spelt(name, KEYS, wrong) for name in value]
        if value == []:
            raise ValueError(Words("至少要有一列", "needs at least one column"))
        if info.field_name == "who" and value and info.data.get("sum"):
            raise ValueError(Words("who 与 sum 只能用一个", "and sum exclude each other: use one"))
        return value

    @field_validator("at_least")
    @classmethod
    def _whole_count(cls, least: float, info: ValidationInfo) -> float:
        if info.data.get("sum") is None:
            if least != int(least):
                raise ValueError(Words("应为整数", "should be a whole number"))
            if not 2 <= least <= 100_000:
                raise ValueError(Words("应在 2 与 100000 之间", "must be at least 2 and at most 100000"))
        return least

    def columns(self) -> tuple[str, ...]:
        """The key's columns in our frames."""
        return tuple(KEYS[k] for k in ([self.key] if isinstance(self.key, str) else self.key))

    def reach(self) -> Reach:
        return Reach(() if self._by_person() else self.columns(), self.window)

    def _by_person(self) -> bool:
        return "person_key" in {*self.columns(), KEYS.get(self.who or "")}

    def reads(self) -> set[str]:
        extra = ([KEYS[self.who]] if self.who else []) + ([self.sum, "currency"] if self.sum else [])
        # A person is told by all orders together: not a fact of one, but measured here.
        whose = set[str]().union(*READS.values()) if self._by_person() else set[str]()
        shown = {written for fact, written in _WRITTEN.items() if fact in self.columns()}
        return {*self.columns(), *extra, *whose, *shown, "created_at"} - {"person_key"}

    def measure(self, frame: pl.DataFrame) -> pl.DataFrame:
        if not self._by_person():
            return self._measured(frame)
        frame = frame.with_columns(person_keys(frame))
        return self._measured(frame).with_columns(frame["person_key"])

    def _measured(self, frame: pl.DataFrame) -> pl.DataFrame:
        parts = [whole_or_null(c) for c in self.columns()]
        key = frame.select(parts[0] if len(parts) == 1 else pl.concat_str(parts, separator="\x1d")).to_series()
        if self.sum:
            return self._summed(frame, key)
        who = frame.select(whole_or_null(KEYS[self.who])).to_series() if self.who else None
        count = fullest_window(key, frame["created_at"], self.window, int(self.at_least), who)
        return pl.DataFrame({"hit": count >= int(self.at_least), "value": count.cast(pl.Float64)})

    def _summed(self, frame: pl.DataFrame, key: pl.Series) -> pl.DataFrame:
        money = pl.col(self.sum or "amount")
        counts = (money >= 0) & currency_is(self.currency)
        weight = frame.select(pl.when(counts).then(millionths(money))).to_series()
        total = fullest_window(key, frame["created_at"], self.window, 1, weight=weight)
        return pl.DataFrame({"hit": total >= round(self.at_least * MILLION), "value": total / MILLION})

    def reason(self, locale: str) -> pl.Expr:
        names = ZH if locale.startswith("zh") else EN
        cells = [
            goods() if c == "basket" else pl.col(_WRITTEN.get(c, c)).cast(pl.String).str.slice(0, 40)
            for c in self.columns()
        ]
        told: dict[str, pl.Expr | str | float] = {
            "what": "+".join(names.get(c, c) for c in self.columns()),
            "shown": pl.concat_str(cells, separator=" + "),
            "span": span_words(self.window, locale),
            "least": self.at_least,
        }
        if self.sum:
            zh = "同一{what} {shown}：{span}内{money}合计 {total}（满 {least} 即命中）"
            en = "{what} {shown}: {money} of {total} in {span} (limit {least})"
            money = names.get(self.sum, self.sum)
            return sentence(locale, zh, en, **told, money=money, total=number(pl.col("value"), 2))
        who = names.get(KEYS[self.who], self.who) if self.who else ""
        zh = "同一{what} {shown}：{span}内 {count} " + (
            "个不同{who}（满 {least} 个即命中）" if who else "单（满 {least} 单即命中）"
        )
        en = "{what} {shown}: {count} " + ("different {who}s" if who else "orders") + " in {span} (limit {least})"
        return sentence(locale, zh, en, **told, who=who, count=pl.col("value").cast(pl.Int64))
