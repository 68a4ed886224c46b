"""What the model says of itself and of its data, in both languages: health checks, their advice, dates."""

from __future__ import annotations

from types import MappingProxyType

from mmm.messages import PARTS, Catalogue, Sentence

_SENTENCES = {
    "health.rhat": Sentence("The chains agree to R-hat {rhat:.3f}.", "各条链彼此一致，R-hat 为 {rhat:.3f}。"),
    "health.bulk": Sentence(
        "Every ROI rests on at least {draws:.0f} draws.", "每个 ROI 至少由 {draws:.0f} 个有效样本支撑。"
    ),
    "health.tail": Sentence(
        "Every ROI interval rests on {draws:.0f} draws.", "每个 ROI 区间由 {draws:.0f} 个有效样本支撑。"
    ),
    "health.divergences": Sentence("{count} of {draws} draws diverged.", "{draws} 个样本中有 {count} 个发散。"),
    "health.sample_more": Sentence(
        "Raise model.draws and model.tune, or give channels an roi_prior.",
        "请增大 model.draws 与 model.tune，或为渠道设置 roi_prior。",
    ),
    "health.divergences.advice": Sentence(
        "A handful seldom moves the answer; raise model.target_accept to 0.98 to be sure.",
        "少量发散通常不影响结论；稳妥起见可把 model.target_accept 提高到 0.98。",
    ),
    "health.holdout_coverage": Sentence(
        "Of the last {weeks} weeks, forecast from those before, {share:.0%} lie in their 90% interval.",
        "用更早的数据预测最近 {weeks} 周，其中 {share:.0%} 落在 90% 区间内。",
    ),
    "health.holdout_coverage.advice": Sentence(
        "Something changed that the model does not know, or it is too sure of itself.",
        "可能发生了模型不知道的变化，也可能模型过于自信。",
    ),
    "health.holdout_error": Sentence(
        "Forecasting the last {weeks} weeks, the model errs {error:.1%} on average, and its score is {ratio:.2f} "
        "of that of repeating last year (below 1 is better).",
        "预测最近 {weeks} 周时平均误差 {error:.1%}，得分为“照搬去年”的 {ratio:.2f} 倍（小于 1 更好）。",
    ),
    "health.holdout_error.advice": Sentence(
        "Repeating last year does better: the baseline lacks what moves the KPI.",
        "照搬去年反而更准：基线缺少影响 KPI 的因素。",
    ),
    "health.spread": Sentence(
        "Data simulated from the model spread wider than the real ones in {share:.0%} of the draws (5% to 95% is "
        "fine).",
        "在 {share:.0%} 的样本中，模型模拟的数据比真实数据更分散（5% 至 95% 为正常）。",
    ),
    "health.spread.advice": Sentence(
        "The residuals have another spread than the model thinks: look for missing events or controls.",
        "残差的离散程度与模型设想不符：请检查是否遗漏了事件或控制变量。",
    ),
    "health.coverage": Sentence(
        "{share:.0%} of the weeks lie in their 90% interval.", "{share:.0%} 的周落在各自的 90% 区间内。"
    ),
    "health.coverage.advice": Sentence(
        "The model is too sure of itself: look for missing events or controls.",
        "模型过于自信：请检查是否遗漏了事件或控制变量。",
    ),
    "health.watson": Sentence(
        "Durbin-Watson of the residuals is {value:.2f} (2 is none).",
        "残差的 Durbin-Watson 值为 {value:.2f}（2 表示无自相关）。",
    ),
    "health.watson.alike": Sentence(
        "Neighbouring weeks err together: a control or an event is missing, or model.knot_weeks is too long.",
        "相邻几周同向出错：可能缺少控制变量或事件，或 model.knot_weeks 过长。",
    ),
    "health.watson.opposed": Sentence(
        "Neighbouring weeks err against each other: sales moved between weeks, such as orders booked late.",
        "相邻几周反向出错：销售额在周与周之间挪动，例如订单入账滞后。",
    ),
    "health.negative": Sentence(
        "The baseline of some quarter is negative in {share:.0%} of the draws.",
        "在 {share:.0%} 的样本中，某个季度的基线为负。",
    ),
    "health.negative.advice": Sentence(
        "Media are credited with more than the KPI: lower model.media_share or give ROI priors.",
        "归给媒体的贡献超过了 KPI 本身：请调低 model.media_share 或设置 ROI 先验。",
    ),
    "health.pair": Sentence("{first!n} and {second!n} ({r:.2f})", "{first!n}与{second!n}（{r:.2f}）"),
    "health.together": Sentence("{names!n} with the others together", "{names!n}与其他渠道整体"),
    "health.collinear": Sentence(
        "These channels' spends move together, so the data cannot tell them apart: {told:clauses}. How money is "
        "divided between them rests on what was believed before. Vary one of them alone, or run a lift test.",
        "以下渠道的支出同步变动，数据无法区分它们：{told:clauses}。它们之间如何分配取决于先验判断。"
        "请单独调整其中一个渠道，或做一次增量测试。",
    ),
    "health.collinear.none": Sentence(
        "No two channels' spends move so closely together that they cannot be told apart.",
        "没有哪两个渠道的支出同步到无法区分。",
    ),
    "health.share": Sentence("{name!n} ({share:.0%})", "{name!n}（{share:.0%}）"),
    "health.demand": Sentence(
        "Much of how these channels' spends move goes with seasons and whatever else moves the KPI: {told}. "
        "Demand that no control shows and their own effect cannot be told apart, so their ROI may be overstated. "
        "Give the model what drives demand as a control or event, or run a lift test.",
        "以下渠道的支出大多随季节以及其他影响 KPI 的因素而变：{told}。控制变量未反映的需求与渠道自身的效果无法区分，"
        "其 ROI 可能被高估。请把驱动需求的因素作为控制变量或事件提供给模型，或做一次增量测试。",
    ),
    "health.demand.none": Sentence(
        "No untested channel's spend merely follows seasons, peaks and controls.",
        "未做测试的渠道中，没有哪个的支出只是跟着季节、大促与控制变量走。",
    ),
    "health.increasing": Sentence(
        "The next unit of spend on {names!n} seems to earn more than the average one. Such a start of an S-curve "
        "is rare; more often spend was raised when demand was high anyway, and takes the credit. Do not move "
        "money there before a lift test has confirmed it.",
        "{names!n}的下一元支出似乎比平均每元赚得更多。S 曲线的这种起步阶段很少见；更常见的是在需求本来就旺时加了投放，"
        "从而抢了功劳。在增量测试证实之前，不要把钱挪过去。",
    ),
    "health.increasing.none": Sentence(
        "No untested channel seems to earn more the more is spent.",
        "未做测试的渠道中，没有哪个是花得越多赚得越快。",
    ),
    "health.implausible": Sentence(
        "The ROI of {names!n} lies far from what was believed of any channel. A channel that runs when demand is "
        "high takes credit for the demand: give the model that season, event or control, or an roi_prior.",
        "{names!n}的 ROI 与任何渠道的先验判断都相去甚远。在需求旺时投放的渠道会抢走需求的功劳："
        "请把相应的季节、事件或控制变量提供给模型，或设置 roi_prior。",
    ),
    "health.implausible.none": Sentence(
        "No channel's ROI lies far from what was believed.", "没有哪个渠道的 ROI 远离先验判断。"
    ),
    "health.silent": Sentence(
        "The data say next to nothing about {names!n} on their own: their ROI is what is believed of all channels "
        "together. A lift test of one of them would tell.",
        "数据几乎说不清{names!n}各自的效果：它们的 ROI 取自对全部渠道的整体判断。对其中一个做增量测试即可见分晓。",
    ),
    "health.silent.none": Sentence(
        "The data tell something of every channel's own ROI.", "数据对每个渠道自身的 ROI 都有所说明。"
    ),
    "health.constant": Sentence(
        "The spend of {names!n} hardly varies, so its effect cannot be told from the baseline: its ROI is what "
        "was believed before. Vary it on purpose for some weeks, or run a lift test.",
        "{names!n}的支出几乎不变，其效果无法与基线区分：ROI 只是先验判断。请有意让它变动几周，或做一次增量测试。",
    ),
    "health.constant.none": Sentence("Every channel's spend varies.", "每个渠道的支出都有变化。"),
    "health.little": Sentence(
        "Too little history to learn from: {names!n}. They are planned from their prior.",
        "历史太短，无法学习：{names!n}。这些渠道按先验规划。",
    ),
    "health.little.none": Sentence("Every channel has history to learn from.", "每个渠道都有可供学习的历史。"),
    "health.short": Sentence(
        "{weeks} weeks are less than two years: seasons were seen about once and can be mistaken for media, or "
        "media for seasons.",
        "{weeks} 周不足两年：每个季节大约只出现过一次，可能把季节误当成媒体效果，或反之。",
    ),
    "health.short.none": Sentence(
        "{weeks} weeks show every season at least twice.", "{weeks} 周数据中，每个季节至少出现两次。"
    ),
    "health.rejected": Sentence(
        "The fitted model failed its gates, so no plan rests on it:\n- {told:lines}\nMend the data or the model; "
        "--accept-failed-model plans all the same, and the plan says so.",
        "模型未通过检验，不能据此做方案：\n- {told:lines}\n请修正数据或模型；"
        "加 --accept-failed-model 可照样出方案，方案中会注明。",
    ),
    "health.lift": Sentence(
        "The model's answer to the lift tests lies within {worst:.1f} standard errors of what they measured.",
        "模型对增量测试的回答与实测相差不超过 {worst:.1f} 个标准误。",
    ),
    "health.lift.advice": Sentence(
        "Test and data contradict each other: check the test's dates, units and spend change.",
        "测试与数据相互矛盾：请核对测试的日期、单元与支出变化。",
    ),
}

HEALTH = Catalogue(MappingProxyType(_SENTENCES)).joined(PARTS)

_DAYS = (
    *(("Monday", "周一"), ("Tuesday", "周二"), ("Wednesday", "周三"), ("Thursday", "周四")),
    *(("Friday", "周五"), ("Saturday", "周六"), ("Sunday", "周日")),
)
_DATES = {f"weekday.{number}": Sentence(*names) for number, names in enumerate(_DAYS)}
_DATES |= {
    "dates.weeks": Sentence(
        "weeks run from {first} to {last}; that of {monday} is {start} to {end}",
        "一周从{first}到{last}；{monday} 当周即 {start} 至 {end}",
    ),
    "dates.first": Sentence(
        "Each row is dated on its week's first day, a {day}: {weeks}", "每行的日期是该周的第一天（{day}）：{weeks}"
    ),
    "dates.last": Sentence(
        "Each row is dated on its week's last day, a {day}: {weeks}", "每行的日期是该周的最后一天（{day}）：{weeks}"
    ),
    "dates.inside": Sentence(
        "Each row is dated on a {day} inside its week: {weeks}", "每行的日期是该周中的一天（{day}）：{weeks}"
    ),
    "dates.unsaid": Sentence(
        "{dates}. If {day} is the first day of these weeks, write data.week_starts: {starts}; if not, write "
        "data.week_starts: monday",
        "{dates}。若{day}是这些周的第一天，请写 data.week_starts: {starts}；否则请写 data.week_starts: monday",
    ),
}

DATES = Catalogue(MappingProxyType(_DATES))
"""How the dates of the data are read."""

tell = HEALTH.tell
