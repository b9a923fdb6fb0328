"""The words of a report in both languages: what each column is called and how it is shown, and what figures mean."""

from __future__ import annotations

from typing import NamedTuple

from orderguard.errors import Words


class Field(NamedTuple):
    """A column of a report's table.

    Attributes:
        key: in the figures.
        words: its heading.
        kind: text, whole, number, share (with its interval and count), part (a plain share), median (of seconds).
    """

    key: str
    words: Words
    kind: str


def _fields(*given: tuple[str, str, str, str]) -> tuple[Field, ...]:
    return tuple(Field(key, Words(zh, en), kind) for key, zh, en, kind in given)


RULES = _fields(
    ("rule_id", "规则", "Rule", "text"),
    ("says", "说明", "Says", "text"),
    ("state", "状态", "Status", "text"),
    ("hits", "命中", "Hits", "whole"),
    ("unique", "仅此规则命中", "Only this rule", "whole"),
    ("people", "涉及人数", "People", "whole"),
    ("confirmed", "属实", "Confirmed", "whole"),
    ("false_alarms", "误判", "False alarms", "whole"),
    ("precision", "准确率", "Precision", "share"),
    ("recall", "召回率", "Recall", "share"),
    ("f1", "F1", "F1", "number"),
    ("judged", "判断次数", "Times judged", "whole"),
    ("not_evaluable", "无法判断次数", "Times not evaluable", "whole"),
)
AGENTS = _fields(
    ("agent", "处理人", "Agent", "text"),
    ("tasks", "任务", "Tasks", "whole"),
    ("groups", "关联组", "Groups", "whole"),
    ("open", "未处理", "Open", "whole"),
    ("over", "未判定即结束", "Over undecided", "whole"),
    ("overdue", "已超时", "Overdue", "whole"),
    ("late", "逾期处理", "Decided late", "whole"),
    ("verdicts", "处置", "Verdicts", "whole"),
    ("confirmed", "属实", "Confirmed", "whole"),
    ("false_alarms", "误判", "False alarms", "whole"),
    ("investigating", "需调查", "Unclear", "whole"),
    ("controls", "对照单", "Control orders", "whole"),
    ("second_opinions", "复判", "Second opinions", "whole"),
    ("seconds", "处理时长", "Time to verdict", "median"),
    ("upheld", "未被更正", "Upheld", "share"),
)
_SPLIT = (
    ("scanned", "订单", "Orders", "whole"),
    ("flagged", "异常", "Flagged", "whole"),
    ("flagged_share", "异常率", "Share flagged", "share"),
    ("held", "暂扣", "Held", "whole"),
    ("confirmed", "属实", "Confirmed", "whole"),
    ("false_alarms", "误判", "False alarms", "whole"),
    ("open", "未处理", "Open", "whole"),
    ("over", "未判定即结束", "Over undecided", "whole"),
    ("precision", "准确率", "Precision", "share"),
)
PLATFORMS = _fields(("platform_name", "平台", "Platform", "text"), *_SPLIT)
SHOPS = _fields(("shop", "店铺", "Shop", "text"), ("platform_name", "平台", "Platform", "text"), *_SPLIT)
REGIONS = _fields(("region", "地区", "Region", "text"), *_SPLIT)
OUTCOMES = _fields(
    ("group", "订单", "Orders", "text"),
    ("orders", "单数", "Count", "whole"),
    ("refund", "退款", "Refunds", "whole"),
    ("claim", "理赔投诉", "Claims", "whole"),
    ("wrong_delivery", "错发", "Wrong deliveries", "whole"),
    ("abnormal", "异常退货", "Abnormal", "whole"),
    ("abnormal_share", "出问题的比例", "Share abnormal", "share"),
    ("money", "售后金额", "Money", "money"),
    ("abnormal_money", "其中问题单", "Of abnormal ones", "money"),
)
COVERAGE = _fields(
    ("rule_id", "规则", "Rule", "text"),
    ("platform_name", "平台", "Platform", "text"),
    ("orders", "订单", "Orders", "whole"),
    ("judged", "判断次数", "Times judged", "whole"),
    ("hits", "命中次数", "Times hit", "whole"),
    ("not_evaluable", "无法判断次数", "Times not evaluable", "whole"),
    ("blind_share", "无法判断的比例", "Share not evaluable", "share"),
)
OVERLAP = _fields(
    ("a", "规则甲", "Rule A", "text"),
    ("b", "规则乙", "Rule B", "text"),
    ("both", "同时命中", "Both", "whole"),
    ("a_hits", "甲命中", "Hits of A", "whole"),
    ("share_of_a", "占甲", "Of A", "part"),
    ("b_hits", "乙命中", "Hits of B", "whole"),
    ("share_of_b", "占乙", "Of B", "part"),
)
TRIALS = _fields(
    ("rule_id", "试运行规则", "Rule on trial", "text"),
    ("hits", "命中", "Hits", "whole"),
    ("already_flagged", "已被正式规则命中", "Flagged already", "whole"),
    ("would_flag", "启用后新增", "More if live", "whole"),
    ("confirmed", "属实", "Confirmed", "whole"),
    ("false_alarms", "误判", "False alarms", "whole"),
)
PROMOTIONS = _fields(
    ("profile", "活动时段", "Promotion", "text"),
    ("from", "开始", "From", "text"),
    ("to", "结束", "To", "text"),
    ("orders", "订单", "Orders", "whole"),
    ("flagged", "命中", "Flagged", "whole"),
    ("held", "暂扣", "Held", "whole"),
)
ENTRIES = _fields(
    ("rule_id", "名单规则", "List rule", "text"),
    ("file", "文件", "File", "text"),
    ("row", "行", "Row", "whole"),
    ("kind", "类型", "Kind", "text"),
    ("value", "值", "Value", "text"),
    ("state", "状态", "State", "text"),
)
DEMOTED = _fields(
    ("rule_id", "被降级的规则", "Demoted rule", "text"),
    ("runs", "次数", "Runs", "whole"),
    ("share", "最高占比", "Largest share", "part"),
    ("max_share", "上限", "Limit", "part"),
    ("last", "最近一次", "Last", "text"),
)
ENTRY_STATES = {"expired": Words("已过期", "expired"), "unused": Words("本期无人命中", "met by no order")}
SKUS = _fields(
    ("sku", "商品编码", "SKU", "text"),
    ("orders", "缺货订单", "Orders short", "whole"),
    ("units", "缺件数", "Units short", "whole"),
)
PAIRS = _fields(
    ("agent", "处理人", "Agent", "text"),
    ("second_agent", "复判人", "Second agent", "text"),
    ("pairs", "两人都判过", "Judged by both", "whole"),
    ("same", "一致", "Alike", "whole"),
    ("agreed", "一致率", "Agreed", "share"),
    ("kappa", "Kappa", "Kappa", "number"),
)
LEARN = _fields(
    ("id", "规则", "Rule", "text"),
    ("before", "现分值", "Points now", "points"),
    ("after", "建议分值", "Proposed", "points"),
    ("said", "说明", "Why", "text"),
    ("right", "属实", "Confirmed", "whole"),
    ("wrong", "误判", "False alarms", "whole"),
)
WHY = {
    "moved": Words("按处置结果调整", "moved by the verdicts"),
    "left": Words("单凭它不再进队列", "alone it brings no order under review any more"),
    "capped": Words("调整到一次的上限", "moved by the most for one run"),
    "kept": Words("因其抓到的单，保留在复核线", "kept at the review band for what it catches"),
    "same": Words("与处置结果相符，不变", "fits the verdicts, stays"),
    "few": Words("处置太少", "too few verdicts"),
    "locked": Words("已锁定", "locked"),
    "trial": Words("试运行，不计分", "on trial, counts nothing"),
}

HEADLINE = (
    ("scanned", Words("扫描订单", "Orders scanned")),
    ("flagged", Words("异常", "Flagged")),
    ("held", Words("暂扣", "Held")),
    ("confirmed", Words("属实", "Confirmed")),
    ("false_alarms", Words("误判", "False alarms")),
    ("released", Words("未判定即放行", "Released without a verdict")),
    ("timed_out", Words("超时自动放行", "Released at time-out")),
    ("over", Words("未判定而订单已结束", "Over before a decision")),
    ("open", Words("未处理", "Open")),
    ("overdue", Words("其中已超时", "Of these overdue")),
)
STATUS = {
    "live": Words("启用", "live"),
    "trial": Words("试运行", "trial"),
    "retired": Words("停用", "retired"),
    "gone": Words("规则表已无", "not in the rulebook"),
}
GROUPS = {
    "held": Words("暂扣的", "Held"),
    "reviewed": Words("复核的", "Reviewed"),
    "passed": Words("放行的", "Passed"),
    "kept": Words("曾被标记、后放行", "Flagged, then let go"),
    "others": Words("从未被标记", "Never flagged"),
}
OUTCOME_PARTS = (
    ("confirmed", Words("属实", "Confirmed"), "c1"),
    ("false_alarms", Words("误判", "False alarms"), "c0"),
    ("released", Words("未判定即放行", "Released without a verdict"), "c5"),
    ("timed_out", Words("超时自动放行", "Released at time-out"), "c3"),
    ("over", Words("未判定而订单已结束", "Over before a decision"), "c6"),
    ("open", Words("未处理", "Open"), "c4"),
    ("other", Words("其他", "Other"), "c7"),
)
WEEKDAYS = (
    Words("周一", "Mon"), Words("周二", "Tue"), Words("周三", "Wed"), Words("周四", "Thu"), Words("周五", "Fri"),
    Words("周六", "Sat"), Words("周日", "Sun"),
)  # fmt: skip
UNKNOWN = Words("（未知）", "(unknown)")

DEFINITIONS = (
    (
        Words("订单归属的月份", "Which month"),
        Words(
            "按下单时间，规则表的时区；没有下单时间的，按首次扫描的时间。同一订单号在同一平台只算一单，无论扫描几次。",
            "By the time an order was made, in the rulebook's time zone; one without a time by when it was first scanned. "
            "One order number on one platform is one order, however often it was scanned.",
        ),
    ),
    (
        Words("属实、误判、未处理", "Confirmed, false alarm, open"),
        Words(
            "以目前有效的处置结果为准；更正过的只算最后一次，因新证据重新打开的算未处理。",
            "The verdict that counts now; of a corrected one the last; a case reopened on new evidence is open.",
        ),
    ),
    (
        Words("未判定而订单已结束", "Over before a decision"),
        Words(
            "还没有人判定，新的导出就说订单已发货、完成、关闭或退款：案件自动关闭，既不算属实也不算误判。订单恢复后会重新打开；"
            "事后补交的处置照常计入，从这里移到属实或误判。",
            "A later export said that the order was shipped, done, closed or refunded before anybody had decided: its case closes by "
            "itself and counts neither as confirmed nor as a false alarm. It opens again when the order is live again; a verdict "
            "given afterwards counts as any other.",
        ),
    ),
    (
        Words("准确率", "Precision"),
        Words(
            "属实 ÷（属实 + 误判），括号内为单数与 95 % 区间（Wilson）。少于 10 条处置不显示百分比。",
            "Confirmed / (confirmed + false alarms), with the counts and the 95 % interval (Wilson). Under 10 verdicts no "
            "percentage is shown.",
        ),
    ),
    (
        Words("召回率", "Recall"),
        Words(
            "已知异常订单中被该规则命中的比例。已知异常 = 判为属实的订单，加上售后表里出问题、而被放过或没有命中的订单"
            "（理赔、错发、异常退货；普通退款不算），加上对照样本查出的订单（按抽样比例放大）。",
            "Of all orders known to be abnormal, the share that the rule hit. Known: confirmed orders, those let go or never flagged that "
            "after-sales shows to be abnormal (claims, wrong deliveries, abnormal returns; ordinary refunds are not), and those found in "
            "the control sample (each standing for as many as the sample left out).",
        ),
    ),
    (
        Words("召回率（估计）", "Recall (estimate)"),
        Words(
            "查出 ÷（查出 + 漏掉），与 learn 同一算法。漏掉 = 对照样本中判为属实的比例 × 样本所代表的未标记订单；满 50 单两人判断后，"
            "先扣除判错的比例。查出 = 第一次抽样以来标记的订单 × 已判定订单的准确率。区间为 95 %（Wilson）。",
            "Caught / (caught + missed), as learn has it. Missed: the share of the control sample found abnormal, times the unflagged "
            "orders that it stands for; from 50 second opinions on, agents' errors are taken off first. Caught: orders flagged since "
            "the first draw, times the precision of those judged. The interval is 95 % (Wilson).",
        ),
    ),
    (
        Words("一致性", "Agreement"),
        Words(
            "同一单由两人各自判断（--double），一致的比例；Kappa 已扣除碰巧一致的部分（Cohen），1 为完全一致，0 为与碰巧无异。“需进一步调查”算一种答案。",
            "Orders that two agents judged each by themselves (--double); kappa takes off what chance alone would give (Cohen): 1 "
            "is full agreement, 0 no better than chance. 'Not yet known' is an answer of its own.",
        ),
    ),
    (
        Words("对照单、复判", "Control orders, second opinions"),
        Words(
            "抽作对照的未标记订单（--sample）与替别人复判的订单（--double）：处理人也看了，但不计入任务、处置及其属实与误判。",
            "Unflagged orders drawn for control (--sample) and orders of others judged once more (--double): agents handled these too; "
            "tasks, verdicts, confirmed and false alarms do not count them.",
        ),
    ),
    (
        Words("发现时长、处理时长", "Detection and handling time"),
        Words(
            "下单到标记；标记（或重新打开）到第一次判定属实或误判。p50、p90、p99 为该比例的订单不超过的时长。",
            "From order to flag; from flag (or reopening) to the first verdict that decides. p50, p90, p99: that share took "
            "no longer.",
        ),
    ),
    (
        Words("风险金额、误扣金额", "Money at risk, money held by mistake"),
        Words(
            "判为属实的订单的实付金额；暂扣而后判为误判或放行的订单的实付金额。各币种分列，没有币种的按人民币。",
            "What confirmed orders paid; what orders paid that were held and then found to be in order. By currency; orders "
            "that name none count as CNY.",
        ),
    ),
    (
        Words("回购", "Repeat purchase"),
        Words(
            "Kaplan–Meier 估计：从被放行的那一单（其他客户从观察期的首单）起，到下一单；还没有下一单的，观察到台账最后一单为止。"
            "观察期为期末前 180 天。在观人数少于 20 的时点不下结论。",
            "Kaplan-Meier: from the order that was let go (for others, their first in the span) to the next; who has none yet "
            "is followed until the ledger's last order. The span is the 180 days before the period's end. With fewer than 20 "
            "customers at risk nothing is concluded.",
        ),
    ),
    (
        Words("判断次数、无法判断次数", "Times judged, times not evaluable"),
        Words(
            "无法判断：缺列、空白或打码，规则既不能说异常也不能说正常。两个次数按各次扫描累计：先后在两个文件里的订单算两次，"
            "原样重扫同一文件只算一次。其余各列都按订单计，每单一次。",
            "Not evaluable: a column is missing, blank or masked, the rule can say neither odd nor in order. Both are summed over scans: an "
            "order that stands in two files counts twice, scanning the very same files again counts once. All else counts orders, each once.",
        ),
    ),
)
