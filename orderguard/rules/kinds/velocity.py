"""Many orders from one place in a short time.

Flags:
    every order of a burst: some window of the given length, both ends included, holds at least `at_least`
    orders with the same key (or orders of at least that many different `who`). All members are flagged, not only
    the last. Windows reach back into the ledger, so a burst cut by two exports is still a burst.

Why:
    order brushing, coupon farming and bots place many orders from one IP, phone, device or address in minutes.

Misses:
    bursts spread over many IPs, or slower than the window. Campus networks and carrier gateways put honest buyers
    behind one IP: `who: buyer_id` counts people instead of orders. Blank and masked keys are not evaluable.
"""

from __future__ import annotations

import polars as pl
from pydantic import Field, field_validator

from orderguard.errors import Words, closest
from orderguard.rules.base import Kind, Reach, Span, span_words
from orderguard.rules.windows import fullest_window

_COLUMNS = {
    "ip": "ip", "phone": "phone_key", "receiver_phone": "phone_key", "address": "address_key", "device": "device_id",
    "device_id": "device_id", "account": "buyer_id", "buyer_id": "buyer_id", "email": "email",
    "person": "person_key", "receiver_name": "receiver_name", "shop": "shop", "platform": "platform",
}  # fmt: skip
_ZH = {
    "ip": "IP", "phone_key": "收货电话", "address_key": "收货地址", "device_id": "设备", "buyer_id": "买家账号",
    "person_key": "同一人（电话、账号或姓名地址）", "email": "邮箱", "receiver_name": "收货人", "shop": "店铺", "platform": "平台",
}  # fmt: skip
_EN = {
    "ip": "IP",
    "phone_key": "phone",
    "address_key": "address",
    "device_id": "device",
    "buyer_id": "account",
    "person_key": "person",
}


class Velocity(Kind):
    """Settings: `key` (one column or several), `window`, `at_least`, and `who` to count people."""

    key: str | list[str] = "ip"
    window: Span
    at_least: int = Field(ge=2, le=100_000)
    who: str | None = None

    @field_validator("key", "who")
    @classmethod
    def _known(cls, value: str | list[str] | None) -> str | list[str] | None:
        for name in [value] if isinstance(value, str) else value or []:
            if name not in _COLUMNS:
                hint = closest(name, list(_COLUMNS))
                raise ValueError(Words(f"不能按 '{name}' 归组；{hint.zh}", f"cannot group by '{name}'; {hint.en}"))
        if value == []:
            raise ValueError(Words("至少要有一列", "needs at least one column"))
        return value

    def columns(self) -> tuple[str, ...]:
        """The key's columns in our frames."""
        return tuple(_COLUMNS[k] for k in ([self.key] if isinstance(self.key, str) else self.key))

    def reach(self) -> Reach:
        return Reach(self.columns(), self.window)

    def reads(self) -> set[str]:
        return {*self.columns(), *([_COLUMNS[self.who]] if self.who else []), "created_at"}

    def hit(self) -> pl.Expr:
        return pl.col("value") >= self.at_least

    def value(self) -> pl.Expr:
        return pl.col("value").cast(pl.Float64)

    def measure(self, frame: pl.DataFrame) -> pl.DataFrame:
        parts = [self._unmasked(c) for c in self.columns()]
        key = frame.select(parts[0] if len(parts) == 1 else pl.concat_str(parts, separator="\x1f")).to_series()
        who = frame.select(self._unmasked(_COLUMNS[self.who])).to_series() if self.who else None
        count = fullest_window(key, frame["created_at"], self.window, self.at_least, who)
        return pl.DataFrame({"hit": count >= self.at_least, "value": count.cast(pl.Float64)})

    @staticmethod
    def _unmasked(name: str) -> pl.Expr:
        column = pl.col(name)
        return pl.when((column != "") & ~column.str.contains("*", literal=True)).then(column)

    def reason(self, locale: str) -> pl.Expr:
        zh = locale.startswith("zh")
        names = _ZH if zh else _EN
        what = "+".join(names.get(c, c) for c in self.columns())
        shown = pl.concat_str([pl.col(c).str.slice(0, 40) for c in self.columns()], separator=" + ")
        span, count = span_words(self.window, locale), pl.col("value").cast(pl.Int64)
        if zh:
            unit = f"个不同{names.get(_COLUMNS[self.who], self.who)}" if self.who else "单"
            return pl.format(
                f"同一{what} {{}}：{span}内 {{}} {unit}（满 {self.at_least} {'个' if self.who else '单'}即命中）",
                shown,
                count,
            )
        unit = f"different {names.get(_COLUMNS[self.who], self.who)}s" if self.who else "orders"
        return pl.format(f"{what} {{}}: {{}} {unit} in {span} (limit {self.at_least})", shown, count)
