"""One word, many spellings: what is taken for the same when words are looked for in texts.

Always: width, case and compatibility forms (NFKC: ｖｘ, ①, ㊙), blanks, zero-width and combining characters, punctuation and
pictures between the characters. Where a word is concerned: traditional characters, 〇 and 零, Cyrillic and Greek letters that
look Latin. Digits for letters (we1xin, c0upon) only inside a run that holds more letters than digits, never three digits in a
row, and only for words of at least three letters: a phone number or a room is no word.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from orderguard.texts import HAN, mended_series

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_DROPPED = r"[\s\p{Z}\p{P}\p{So}\p{Sk}\p{Cf}\p{Cc}\p{Mn}\p{Me}~|<>^--[%#@&*]]+"
"""Cut out between characters. % # @ & mean something, + = and money signs too; a star may be a mask."""
_ODD = rf"[^0-9a-z{HAN}]"
_STARS, _WALL = r"\*{2,}", "\ue000"
_RUN = r"[0-9a-z]+"
_LEAST = 3
"""Latin letters that a word must have before digits are read as letters for its sake."""

_TRADITIONAL = (
    "臨临時时倉仓點点測测試试無无櫃柜遞递單单現现評评號号樓楼區区廣广東东門门園园處处華华長长陽阳灣湾縣县鎮镇鄉乡莊庄陳陈張张劉刘楊杨黃黄趙赵"
    "吳吴馬马鄭郑謝谢許许蕭萧韓韩馮冯鄧邓蘇苏葉叶盧卢蔣蒋賈贾鄒邹譚谭陸陆範范龍龙萬万錢钱湯汤賴赖龔龚羅罗興兴國国衛卫偉伟麗丽靜静軍军傑杰輝辉"
    "鵬鹏寶宝鳳凤蘭兰雲云運运發发貨货買买賣卖購购讓让優优價价錄录補补償偿賠赔換换實实體体電电話话機机驗验證证碼码訊讯聯联繫系給给轉转帳账賬账"
    "戶户匯汇銀银貸贷債债務务術术師师專专業业員员會会費费資资質质產产類类項项預预訂订請请聲声識识認认說说語语詞词課课調调論论設设計计記记訪访"
    "詐诈騙骗貪贪違违規规則则傳传銷销騷骚擾扰賭赌槍枪彈弹藥药醫医護护開开關关閉闭問问間间聞闻閱阅隊队陰阴險险隨随難难雜杂離离雙双書书學学覺觉"
    "見见視视觀观親亲條条來来樣样權权歡欢殺杀氣气漢汉決决沒没況况淺浅滿满漁渔潔洁濟济滅灭燈灯爐炉營营獎奖獲获環环療疗監监盤盘眾众確确礎础禮礼"
    "積积穩稳窮穷竊窃筆笔節节簡简簽签糧粮紅红約约級级純纯紙纸細细終终組组結结絕绝統统經经綠绿維维網网緊紧線线練练績绩續续纖纤罰罚義义習习職职"
    "腦脑臺台藝艺蟲虫裝装複复訓训託托該该誤误誠诚講讲貝贝負负責责貴贵貿贸賓宾贈赠贏赢趕赶車车軟软較较輕轻載载輛辆輸输農农邊边達达遠远適适選选"
    "還还郵邮醬酱釋释針针鋪铺錯错鎖锁鐵铁鑰钥陣阵際际隱隐靈灵頂顶順顺須须頭头題题額额願愿風风飛飞飯饭飲饮館馆驅驱驛驿髮发鬆松魚鱼鮮鲜鳥鸟麥麦"
    "黨党齊齐齒齿僅仅個个們们億亿內内兩两別别剛刚創创劃划動动勝胜勞劳勢势協协參参變变嗎吗嚴严團团圖图圓圆執执報报場场塊块壞坏壓压夠够夢梦奪夺"
    "婦妇媽妈孫孙寫写將将對对導导層层屬属島岛帶带幣币幫帮庫库廠厂廳厅彙汇徵征恆恒懷怀應应戰战戲戏擇择擔担據据擊击擴扩擺摆擁拥攔拦斷断於于暫暂"
    "曆历殘残毀毁滾滚裡里裏里麵面乾干鍾钟鐘钟幾几豐丰後后遊游髒脏鬥斗築筑薦荐贗赝偽伪禦御葯药衝冲砲炮煙烟蔥葱薑姜鹼碱臉脸騎骑訴诉訟讼夾夹滙汇"
    "佔占啟启廢废棄弃繳缴納纳闆板擋挡攤摊謊谎彆别鬱郁辦办樁桩詢询"
)
"""Pairs: a traditional character and its simplified form."""
_LATIN = "аaвbсcеeнhкkмmоoрpтtхxуyіiѕsјjԁdԛqԝwɡgһhαaβbεeηnιiκkμmνvοoρpτtυuχxωwγyɑaıi"
"""Pairs, lower case: a Cyrillic or Greek letter and the Latin one that it passes for."""


def _pairs(text: str) -> dict[str, str]:
    return {a: b for a, b in zip(text[::2], text[1::2], strict=True) if a != b}


@cache
def _alike() -> dict[str, str]:
    return _pairs(_TRADITIONAL) | _pairs(_LATIN) | {"〇": "零"}


class Sought(NamedTuple):
    """Words as they are looked for.

    Attributes:
        words: folded, each once, in the order given.
        alike: characters of texts -> the one of a word that they pass for.
        latin: those of `words` for whose sake digits may be letters.
    """

    words: list[str]
    alike: dict[str, str]
    latin: list[str]


def sought(words: Sequence[str]) -> Sought:
    """The words, folded; one that holds nothing but punctuation goes."""
    folded = _folded(pl.Series(list(words), dtype=pl.String), _alike(), stars=False)
    told = [w for w in dict.fromkeys(folded.to_list()) if w]
    letters = set("".join(told))
    latin = [w for w in told if re.fullmatch(_RUN, w) and len(re.findall("[a-z]", w)) >= _LEAST]
    return Sought(told, {a: b for a, b in _alike().items() if b in letters}, latin)


def found(texts: pl.Series, of: Sought, *, stars: bool) -> pl.DataFrame:
    """Which words stand in which texts: `row` (UInt32) and `word`, each pair once, in the order of the text.

    Args:
        texts: String or null.
        of: what is looked for.
        stars: a single star between characters is punctuation; else it is a mask, and stays.
    """
    none = pl.DataFrame(schema={"row": pl.UInt32, "word": pl.String})
    if not of.words:
        return none
    folded = _folded(texts, of.alike, stars=stars)
    parts = [none, _met(folded, pl.int_range(len(folded), dtype=pl.UInt32, eager=True), of.words)]
    if of.latin:
        parts += _with_digits(folded, of.latin)
    return pl.concat(parts).unique(maintain_order=True)


def _met(texts: pl.Series, rows: pl.Series, words: list[str]) -> pl.DataFrame:
    here = texts.str.contains_any(words).fill_null(value=False)
    some = pl.DataFrame({"row": rows.filter(here), "word": texts.filter(here)})
    some = some.with_columns(pl.col("word").str.extract_many(words, overlapping=True))
    return some.explode("word", empty_as_null=False)


def _with_digits(texts: pl.Series, words: list[str]) -> list[pl.DataFrame]:
    """Words in runs like we1xin and c0upon: 1 as l, and 1 and l as i; 0 as o."""
    doubtful = texts.str.contains(r"[a-z][0-9]|[0-9][a-z]|l").fill_null(value=False)
    rows = doubtful.arg_true()
    runs = pl.DataFrame({"row": rows, "run": texts.gather(rows).str.extract_all(_RUN)}).explode(
        "run", empty_as_null=False
    )
    run = pl.col("run")
    runs = runs.filter(
        run.str.count_matches("[a-z]") > run.str.count_matches("[0-9]"),
        ~run.str.contains(r"[0-9]{3}"),
        run.str.contains("[01l]"),
    )
    if runs.is_empty():
        return []
    ways = ({"0": "o", "1": "l"}, {"0": "o", "1": "i", "l": "i"})
    return [_met(runs["run"].str.replace_many(way), runs["row"], words) for way in ways]


def _folded(texts: pl.Series, alike: Mapping[str, str], *, stars: bool) -> pl.Series:
    def mend(c: pl.Expr) -> pl.Expr:
        c = c.str.normalize("NFKC").str.to_lowercase()
        # Behind two stars something is hidden: nothing may be read across it.
        c = c.str.replace_all(_STARS, _WALL) if stars else c
        c = c.str.replace_all(_DROPPED, "")
        return c.str.replace_all("*", "", literal=True) if stars else c

    texts = mended_series(texts, texts.str.contains(_ODD), mend)
    if not alike:
        return texts
    return mended_series(texts, texts.str.contains_any(list(alike)), lambda c: c.str.replace_many(dict(alike)))
