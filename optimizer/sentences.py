"""What a plan says of itself, in both languages: notes, effects of rules, conflicts and ways out."""

from __future__ import annotations

from types import MappingProxyType

from mmm.messages import PARTS, Catalogue, Sentence

_SENTENCES = {
    # notes ----------------------------------------------------------------------------------------------------
    "note.expected": Sentence(
        "Expected GMV is what the planned spend adds, its carry-over after the plan included, over what history "
        "still carries in; after the plan, spend is taken to go on at the plan's usual weekly level.",
        "预期 GMV 是计划支出带来的增量，含计划期之后的延续效应，不含历史支出的延续；"
        "假定计划期之后按本方案的周均水平继续投放。",
    ),
    "note.failed": Sentence(
        "THE MODEL FAILED ITS GATES and the plan was asked for all the same: do not move money by it.",
        "模型未通过检验，本方案是在坚持要求下生成的：请勿据此调动资金。",
    ),
    "note.held": Sentence(
        "{count} {count:cell is|cells are} held as edited; the rest was optimised around them.",
        "{count} 个单元格按修改值固定，其余围绕它们优化。",
    ),
    "note.inputs": Sentence("By the workbook's Inputs: {change}.", "按工作簿 Inputs 表：{change}。"),
    "note.safe": Sentence(
        "With probability {chance:.1%} this plan earns more than last year's mix with the same money, {held} "
        "(counted on {draws:,} draws, standard error {error:.1%}; the curves' uncertainty, not the market's, is "
        "what it knows).",
        "本方案优于“去年结构、同样总额”的概率为 {chance:.1%}，{held}（按 {draws:,} 个样本计算，标准误 {error:.1%}；"
        "只含曲线的不确定性，不含市场的不确定性）。",
    ),
    "note.safe.kept": Sentence("as asked", "达到要求"),
    "note.safe.short": Sentence("short of the {probability:.0%} asked for", "低于要求的 {probability:.0%}"),
    "note.pro_rata": Sentence(
        "By the model alone last year's mix with the same money is no clearly worse bet: this plan's expected "
        "gain over it is {mean:,.0f} {currency} (90% interval {low:,.0f} to {high:,.0f}).",
        "单看模型，“去年结构、同样总额”并不明显更差：本方案的预期增量为 {mean:,.0f} {currency}"
        "（90% 区间 {low:,.0f} 至 {high:,.0f}）。",
    ),
    "note.pro_rata.breaks": Sentence(
        "But it breaks these rules, which the plan obeys: {names}.", "但它违反本方案遵守的规则：{names}。"
    ),
    "note.hulls": Sentence(
        "Some response draws are S-shaped, so the proof goes by their concave hulls: it shows that no plan earns "
        "more than {above:.2%} above this one.",
        "部分回报曲线呈 S 形，证明依据其凹包：任何方案最多比本方案高出 {above:.2%}。",
    ),
    "note.hulls.money": Sentence(
        "Some response draws are S-shaped, so the proof goes by their concave hulls: it shows that no plan earns "
        "more than {above:,.0f} {currency} above this one.",
        "部分回报曲线呈 S 形，证明依据其凹包：任何方案最多比本方案多赚 {above:,.0f} {currency}。",
    ),
    "note.not_narrowed": Sentence(
        "The time for narrowing the clash down was up: the rules named cannot hold together, but perhaps not all of "
        "them are needed for that.",
        "缩小冲突范围的时间已用完：所列规则确实不能同时成立，但未必每一条都是必要原因。",
    ),
    "note.shares": Sentence(
        "The exact category shares sum to 100%, so their prices count against each other: moving a percentage "
        "point from one category to another earns the difference of their prices.",
        "各类别的固定占比合计 100%，其价格须相互比较：把一个百分点从一个类别移到另一个，收益为两者价格之差。",
    ),
    "note.history": Sentence(
        "History does not hold all of the same weeks of last year; limits relative to history use the mean of its "
        "last 13 weeks for the missing ones.",
        "历史数据缺少去年同期的部分周；相对于历史的限额在缺失的周使用最近 13 周的均值。",
    ),
    "note.prior": Sentence(
        "Planned from their prior, for want of history: {names!n}.", "历史不足，按先验规划：{names!n}。"
    ),
    "note.beyond": Sentence(
        "Beyond any week of their history, so the curves extrapolate: {names!n}.",
        "超出历史任何一周的支出，曲线属于外推：{names!n}。",
    ),
    "note.data_end": Sentence(
        "The data end with the week of {week}; until the plan starts, spend is taken to go on at the mean of its "
        "last 13 weeks.",
        "数据止于 {week} 当周；在计划开始之前，假定支出维持最近 13 周的均值。",
    ),
    # effects of rules -----------------------------------------------------------------------------------------
    "effect.cut.none": Sentence("No line is weak long enough in this plan.", "本方案中没有哪一项偏弱到需要削减。"),
    "effect.top_up.none": Sentence(
        "No line is projected strong enough in the window.", "窗口期内没有哪一项预计强到可以追加。"
    ),
    "effect.release.none": Sentence(
        "Nothing is released by the calendar in this plan.", "本方案中没有按日历释放的资金。"
    ),
    "effect.recovery.none": Sentence("No line starts this plan cut.", "没有哪一项在本方案开始时处于削减状态。"),
    "effect.move_cap.none": Sentence("This plan replaces no other.", "本方案没有取代其他方案。"),
    "effect.ended": Sentence("{parts:steps}.", "{parts:steps}。"),
    "effect.opening": Sentence(
        "{line!n} was under 1:{floor:g} in the last {weeks} {weeks:week|weeks} of data, so its first week is held to "
        "{most:,.2f}",
        "{line!n}在数据最后 {weeks} 周低于 1:{floor:g}，因此首周不得超过 {most:,.2f}",
    ),
    "effect.weak": Sentence(
        "{line!n} is projected weak, so it is cut in the weeks of {weeks}",
        "{line!n}预计偏弱，因此在以下各周削减：{weeks}",
    ),
    "effect.top_up": Sentence(
        "{line!n} is projected at 1:{roi:.2f} in {window}, at least 1:{floor:g}: if its weeks show it, "
        "{added:,.2f} is added {source}",
        "{line!n}在 {window} 期间预计为 1:{roi:.2f}，不低于 1:{floor:g}：若届时属实，追加 {added:,.2f}，{source}",
    ),
    "effect.extra": Sentence("as extra money", "为额外资金"),
    "effect.from_reserve": Sentence("from the reserve, which holds {held:,.2f}", "取自预留资金（现有 {held:,.2f}）"),
    "effect.release": Sentence(
        "{line!n} is held back and {amount:,.2f} is released in the weeks of {weeks}",
        "{line!n}先行预留，在以下各周释放 {amount:,.2f}：{weeks}",
    ),
    "effect.recovery": Sentence(
        "{line!n} stays at or below {most:,.2f} a week for its first {weeks} {weeks:week|weeks}",
        "{line!n}前 {weeks} 周每周不超过 {most:,.2f}",
    ),
    "effect.move_cap": Sentence(
        "{line!n} gains {gain:,.2f} of the {allowed:,.2f} that may move",
        "{line!n}增加 {gain:,.2f}，可调动总额为 {allowed:,.2f}",
    ),
    # facts of data and project ----------------------------------------------------------------------------------------
    "fact.weeks": Sentence("{first} to {last} ({count})", "{first} 至 {last}（{count} 周）"),
    "fact.calendar": Sentence("{name} ({count} dated peaks)", "{name}（{count} 个有日期的大促）"),
    "fact.none": Sentence("none", "无"),
    "fact.yes": Sentence("yes", "是"),
    "fact.no": Sentence("no", "否"),
    "fact.verdict": Sentence("No problem found; the rules can hold together.", "没有发现问题；各条规则可以同时成立。"),
    # errors -----------------------------------------------------------------------------------------------------------
    "error.time_limit": Sentence(
        "No plan that obeys every rule was found within the time limit; raise --time-limit.",
        "在时间上限内没有找到符合全部规则的方案；请加大 --time-limit。",
    ),
    "error.not_met": Sentence(
        "No plan was found that obeys the weak-ROI rule and the limits on expected GMV: what is proven of the curves "
        "allows one, by the curves themselves none was met. Loosen these rules, or what forces money into weak lines.",
        "没有找到同时满足弱 ROI 规则与预期 GMV 限制的方案：按已证明的界限可行，按曲线本身却未找到。"
        "请放宽这些规则，或放宽把资金逼入弱势渠道的规则。",
    ),
    # conflicts ------------------------------------------------------------------------------------------------
    "conflict.asks": Sentence(
        '"{rule}" ({kind!n}) asks for {asked:clauses}{more}.', "“{rule}”（{kind!n}）要求{asked:clauses}{more}。"
    ),
    "conflict.more": Sentence(" and more", "等"),
    "conflict.no_more": Sentence("", ""),
    "conflict.at_least": Sentence("at least {limit}", "不低于 {limit}"),
    "conflict.at_most": Sentence("at most {limit}", "不超过 {limit}"),
    "conflict.exactly": Sentence("exactly {limit}", "恰为 {limit}"),
    "conflict.row": Sentence("{ends:and}", "{ends:and}"),
    "conflict.row_of": Sentence("{ends:and} ({about!n})", "{ends:and}（{about!n}）"),
    "conflict.switch": Sentence("what it says of {about!n}", "其对{about!n}的规定"),
    "amount.share": Sentence("{percent:.6g}%", "{percent:.6g}%"),
    "amount.roi": Sentence("1:{roi:.4g}", "1:{roi:.4g}"),
    "amount.lines": Sentence("{count:g} {count:line|lines}", "{count:g} 项"),
    "amount.weeks": Sentence("{count:g} {count:week|weeks}", "{count:g} 周"),
    "amount.money": Sentence("{amount:,.2f}", "{amount:,.2f}"),
    # ways out -------------------------------------------------------------------------------------------------
    "way.lower": Sentence('Lower "{name}" from {old} to {new}.', "把“{name}”从 {old} 降到 {new}。"),
    "way.raise": Sentence('Raise "{name}" from {old} to {new}.', "把“{name}”从 {old} 提高到 {new}。"),
    "way.lower_all": Sentence(
        'Lower the limits of "{name}" by {percent:g}%.', "把“{name}”的各项限额降低 {percent:g}%。"
    ),
    "way.raise_all": Sentence(
        'Raise the limits of "{name}" by {percent:g}%.', "把“{name}”的各项限额提高 {percent:g}%。"
    ),
    "way.loosen": Sentence('Loosen "{name}" by {amount:,.2f}.', "把“{name}”放宽 {amount:,.2f}。"),
    "way.tolerance": Sentence(
        'Raise the tolerance of "{name}" from {old:.6g}% to {new:.6g}%.',
        "把“{name}”的容差从 {old:.6g}% 提高到 {new:.6g}%。",
    ),
    "way.cut": Sentence(
        'Lower the cut of "{name}" from {old:.6g}% to {new:.6g}%.',
        "把“{name}”的削减比例从 {old:.6g}% 降到 {new:.6g}%。",
    ),
    "way.weeks": Sentence('Lower the weeks of "{name}" from {old} to {new}.', "把“{name}”的周数从 {old} 降到 {new}。"),
}

PLAN = Catalogue(MappingProxyType(_SENTENCES)).joined(PARTS)

tell = PLAN.tell
