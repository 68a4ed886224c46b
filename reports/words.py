"""Words and number formats in English and Chinese: everything a reader sees that is not the project's own text."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, get_args

from mmm.messages import NOBODY, Speaker
from optimizer.plan import LinePlan, PlanStatus
from reports import workbook_words
from reports.words_desk import DESK_EN, DESK_ZH
from reports.words_init import INIT_EN, INIT_ZH
from reports.words_page import PAGE_EN, PAGE_ZH
from reports.words_review import REVIEW_EN, REVIEW_ZH
from reports.words_screen import SCREEN_EN, SCREEN_ZH

Lang = Literal["en", "zh"]
LANGUAGES: tuple[Lang, ...] = get_args(Lang)

LANGUAGE_TAGS: Mapping[Lang, str] = MappingProxyType({"en": "en", "zh": "zh-CN"})
"""The languages as a page or a document names them (BCP 47)."""

NOTHING = "–"
"""Shown where a quantity does not exist, such as the ROI of reserved money."""

_CONTROLS = frozenset(("Cc", "Cf", "Cs", "Zl", "Zp"))

_EN = {
    "title": "Marketing budget plan {quarter}",
    "span": "{first} + {weeks} {weeks:week|weeks}",
    "title.fit": "Fitted model",
    "title.infeasible": "No plan can obey all rules at once",
    "title.evaluation": "Evaluation of {source}",
    "evaluation.earns": "{total} are expected to earn {earns} (90%: {low} to {high}).",
    "evaluation.broken": "Rules it breaks",
    "evaluation.obeys": "It obeys every rule.",
    "period": "{total} over {weeks} {weeks:week|weeks}, Monday {first} to Sunday {last}",
    "headline.where": "Where the money goes",
    "headline.earns": "What it earns",
    "headline.sure": "How sure we are",
    "headline.binds": "What binds",
    "headline.last_year": "Against last year",
    "headline.share": "{line} {share}",
    "headline.rest": "{count} other {count:line|lines} {share}",
    "headline.gmv": "Expected GMV {mean} (90% interval {low} to {high})",
    "headline.roi": "ROI {roi}",
    "headline.profit": "expected profit {profit}",
    "headline.cvar": "mean of the worst outcomes {cvar}",
    "headline.no_gmv": "No expectation was computed.",
    "headline.gap": "Gap to the bound {gap}.",
    "headline.no_proof": "There is no proof.",
    "headline.verdict": "Model health: {verdict}, {findings}.",
    "headline.findings.none": "no findings",
    "headline.findings.some": "{count} {count:finding|findings} to read",
    "headline.nothing_binds": "No rule binds.",
    "headline.spend_change": "lines with a response {change} against the {spend} of the same weeks last year",
    "list.join": ", ",
    "clause.join": ", ",
    "reason.wins": "{line} gets {after}, {change} more than {basis} ({before}): {why}.",
    "reason.loses": "{line} gets {after}, {change} less than {basis} ({before}): {why}.",
    "reason.keeps": "{line} gets {after}, as in {basis} ({before}): {why}.",
    "reason.starts": "{line} gets {after}; {basis} had nothing for it: {why}.",
    "reason.basis.last_year": "last year's mix at this total",
    "reason.basis.previous": "the plan before",
    "reason.cause.earns_more": "there, the next unit of money on it earned {own}, on the other lines {others}",
    "reason.cause.earns_less": "there, the next unit of money on it earned {own}, on the other lines {others}",
    "reason.cause.alike": "the next unit of money on it earns {own}, on the other lines {others}",
    "reason.cause.alike_alone": "the next unit of money on it earns {own}",
    "reason.cause.cut": "its ROI has been weak, so it is cut by {rules}",
    "reason.cause.held_up": "held up by {rules}, though its next unit of money earns {own}, the others' {others}",
    "reason.cause.held_down": "held down by {rules}, though its next unit of money earns {own}, the others' {others}",
    "reason.cause.rules": "decided by {rules}; the next unit of money on it earns {own}, on the other lines {others}",
    "reason.cause.rules_alone": "decided by {rules}; the next unit of money on it earns {own}",
    "reason.cause.reserved": "it is reserved, not optimised",
    "reason.within": ", within {rules}",
    "sentence.join": " ",
    "section.allocation": "Allocation",
    "section.allocation.sentence": "Spend by line, what it is expected to earn, and what holds it. "
    "Intervals hold 90% of the posterior.",
    "section.weekly": "Week by week",
    "section.weekly.sentence": "Spend per line and week; weeks are named by their Monday.",
    "section.constraints": "Rules and their prices",
    "section.constraints.sentence": "A binding rule holds the plan back; its price is what the objective would gain "
    "from one unit more of its limit.",
    "section.rules": "Logic rules",
    "section.rules.sentence": "Rules that act on a line when its ROI has been weak.",
    "section.rules.none": "The project sets no logic rules.",
    "section.proof": "Proof",
    "section.versus": "Against other divisions",
    "section.versus.sentence": "The same posterior draws score both plans, so shared luck cancels out.",
    "section.versus.none": "There is nothing to compare with.",
    "section.health": "Model health",
    "section.health.sentence": "Verdict: {verdict}; {findings}.",
    "section.notes": "Notes and assumptions",
    "section.notes.sentence": "What the reader must know before using the numbers.",
    "section.notes.none": "No notes.",
    "section.manifest": "Manifest",
    "section.manifest.sentence": "Fingerprints and versions: the same ones give the same plan.",
    "section.roi": "ROI by channel",
    "section.roi.sentence": "Last 52 weeks of data; intervals hold 90% of the posterior.",
    "section.diagnostics": "Sampling and fit",
    "section.conflict": "Rules that cannot hold together",
    "section.relaxation": "What would make a plan possible",
    "section.relaxation.sentence": "The least change of one rule, all others kept.",
    "section.prices": "Prices of binding rules",
    "note.rounded": "Amounts are rounded for display; plan.xlsx, plan.csv and plan.json hold them to the cent.",
    "note.reserve": "Reserved money without a response: {lines}.",
    "note.prior": "Too little history, planned from the prior: {lines}.",
    "note.slack": "{count} more {count:rule holds|rules hold} with slack; plan.xlsx lists {count:it|them all}.",
    "note.slack.here": "All other rules hold with slack; the sheet Checks lists them.",
    "column.key": "Key",
    "column.line": "Line",
    "column.category": "Category",
    "column.spend": "Spend",
    "column.share": "Share",
    "column.gmv": "Expected GMV",
    "column.gmv_range": "GMV, 90% interval",
    "column.roi": "ROI",
    "column.roi_range": "ROI, 90% interval",
    "column.mroi": "Next-yuan ROI",
    "column.history": "Last year",
    "column.change": "Change",
    "column.near_optimal": "Spend within 1% of best",
    "column.prob_weak": "P(weak fortnight)",
    "column.binds": "What binds",
    "column.total": "Total",
    "column.rule": "Rule",
    "column.kind": "Kind",
    "column.value": "Value",
    "column.sense": "Sense",
    "column.limit": "Limit",
    "column.least": "At least",
    "column.most": "At most",
    "column.tolerance": "Tolerance",
    "column.check": "Check (0 = holds)",
    "column.binding": "Binding",
    "column.price": "Price",
    "column.price_unit": "per unit of",
    "column.fired": "Acts",
    "column.lines": "Lines",
    "column.effect": "Effect",
    "column.item": "Item",
    "column.against": "Compared with",
    "column.gain": "GMV gain",
    "column.gain_range": "Gain, 90% interval",
    "column.prob_better": "P(plan is better)",
    "column.verdict": "Verdict",
    "column.finding": "Finding",
    "column.note": "Note",
    "column.channel": "Channel",
    "column.contribution": "Contribution",
    "column.half_life": "Half-life, weeks",
    "column.source": "Learnt from",
    "column.from": "From",
    "column.to": "To",
    "column.proposal": "Proposal",
    "pair.to": " to ",
    "pair.low": "{title}: low",
    "pair.high": "{title}: high",
    "source.data": "data",
    "source.prior": "prior only",
    "source.silent": "mostly prior",
    "total": "Total",
    "other": "Other lines",
    "yes": "yes",
    "no": "no",
    "sense.<=": "at most",
    "sense.>=": "at least",
    "sense.==": "exactly",
    "kind.total": "total",
    "kind.bounds": "bounds",
    "kind.category_share": "category share",
    "kind.group_share": "group share",
    "kind.concentration": "concentration",
    "kind.change": "change",
    "kind.pilot": "pilot",
    "kind.fixed": "fixed money",
    "kind.budget": "budget of some weeks",
    "kind.phases": "phases",
    "kind.mix": "mix",
    "kind.weeks_on": "weeks on",
    "kind.cardinality": "number of lines",
    "kind.either_or": "either or",
    "kind.roi": "least ROI",
    "kind.cost_ceiling": "cost ceiling",
    "kind.cut": "weak-ROI cut",
    "kind.top_up": "strong-ROI top-up",
    "kind.release": "reserve release",
    "kind.recovery": "recovery after a cut",
    "kind.move_cap": "cap on moved money",
    "verdict.PASS": "PASS",
    "verdict.REVIEW": "REVIEW",
    "verdict.FAIL": "FAIL",
    "proof.status": "Status",
    "proof.objective": "Objective of this plan",
    "proof.bound": "No plan can pass",
    "proof.gap": "Gap",
    "proof.rounds": "Rounds",
    "proof.draws": "Posterior draws",
    "proof.solver": "Solver",
    "proof.seconds": "Seconds",
    "versus.last_quarter": "Last year's division",
    "versus.pro_rata": "Pro-rata division",
    "title.backtest": "Backtest: {origins} times {horizon} weeks held out",
    "backtest.better": "The model's forecasts are {share} better (CRPS) than those of the best other method: {rival}.",
    "backtest.worse": "{rival} forecasts better than the model, by {share} of CRPS: look for missing events, controls "
    "or peaks before planning by these curves.",
    "backtest.coverage": "{share} of the held-out weeks lie in the model's 90% interval.",
    "backtest.scores.sentence": "CRPS and error are over the mean KPI of the held-out weeks: lower is better. The "
    "model and ridge regression are told those weeks' spend, controls and calendar; the others know the past only.",
    "section.backtest": "Forecasts of held-out weeks",
    "section.backtest_origins": "By origin",
    "column.method": "Method",
    "column.crps": "CRPS",
    "column.mape": "Mean error",
    "column.coverage90": "In the 90% interval",
    "column.trained_to": "Trained to the week of",
    "column.crps_model": "CRPS, model",
    "column.crps_rival": "CRPS, best other",
    "column.coverage_model": "In the model's 90% interval",
    "method.model": "This model",
    "method.seasonal_naive": "Same week last year",
    "method.last_year": "Last year with growth",
    "method.ridge": "Ridge regression",
    "diagnostics.max_rhat": "Largest R-hat",
    "diagnostics.min_ess_bulk": "Smallest bulk ESS",
    "diagnostics.min_ess_tail": "Smallest tail ESS",
    "diagnostics.divergences": "Divergences",
    "diagnostics.draws": "Draws per chain",
    "diagnostics.chains": "Chains",
    "quality.r2": "R-squared",
    "quality.mape": "Mean absolute percentage error",
    "quality.coverage90": "Weeks inside the 90% band",
    "quality.durbin_watson": "Durbin-Watson",
    "terminal.fact": "{label}: ",
    "terminal.notes": "Notes",
    "terminal.files": "Files",
    "terminal.finding": "{verdict} {name}: {sentence}",
    "sheet.Cover": "Cover",
    "sheet.Plan": "Line x week grid; the yellow cells may be edited",
    "sheet.Checks": "Every rule: value against limit, 0 = holds",
    "sheet.Solver": "The solver's own plan, its proof, prices, comparisons",
    "sheet.Health": "Can the fitted model be trusted?",
    "sheet.Assumptions": "Notes and assumptions behind the numbers",
    "sheet.Manifest": "Run identity, fingerprints, versions",
    "cover.checks": "Checks",
    "cover.pass": "ALL CHECKS PASS",
    "cover.fail": " CHECK(S) FAIL",
    "cover.sheets": "Sheets",
    "cover.fingerprint": "Fingerprint",
    "cover.run_id": "Run",
    "cover.key": "Colours",
    "cover.key.input": "may be edited",
    "cover.key.failed": "failed check",
    "plan.how": "Yellow cells may be edited; totals and the sheet Checks follow.",
    "checks.master": "Broken rules",
}
_EN |= {f"status.{status.word}": status.sentence for status in PlanStatus}
_EN |= {f"cure.{status.word}": status.cure for status in PlanStatus}
_EN |= {f"outcome.{status.word}": status.word.replace("_", " ") for status in PlanStatus}

_ZH = {
    "title": "{quarter} 营销预算方案",
    "span": "{first} 起 {weeks} 周",
    "title.fit": "模型拟合结果",
    "title.infeasible": "没有方案能同时满足全部规则",
    "title.evaluation": "方案评估：{source}",
    "evaluation.earns": "投入 {total}，预期 GMV {earns}（90% 区间：{low} 至 {high}）。",
    "evaluation.broken": "违反的规则",
    "evaluation.obeys": "方案符合全部规则。",
    "period": "共 {total}，{weeks} 周，{first}（周一）至 {last}（周日）",
    "headline.where": "钱花在哪里",
    "headline.earns": "能带来什么",
    "headline.sure": "有多大把握",
    "headline.binds": "受什么约束",
    "headline.last_year": "与去年同期相比",
    "headline.share": "{line} {share}",
    "headline.rest": "其余 {count} 项 {share}",
    "headline.gmv": "预期 GMV {mean}（90% 区间 {low} 至 {high}）",
    "headline.roi": "ROI {roi}",
    "headline.profit": "预期利润 {profit}",
    "headline.cvar": "最差情形均值 {cvar}",
    "headline.no_gmv": "未计算预期。",
    "headline.gap": "与上界的差距 {gap}。",
    "headline.no_proof": "尚无最优性证明。",
    "headline.verdict": "模型健康度：{verdict}，{findings}。",
    "headline.findings.none": "没有需要关注的问题",
    "headline.findings.some": "{count} 条问题需要查看",
    "headline.nothing_binds": "没有规则卡住方案。",
    "headline.spend_change": "有回报曲线的各项，支出较去年同期（{spend}）{change}",
    "list.join": "、",
    "clause.join": "，",
    "reason.wins": "{line}分得 {after}，比{basis}（{before}）多 {change}：{why}。",
    "reason.loses": "{line}分得 {after}，比{basis}（{before}）少 {change}：{why}。",
    "reason.keeps": "{line}分得 {after}，与{basis}（{before}）持平：{why}。",
    "reason.starts": "{line}分得 {after}，{basis}中没有这一项：{why}。",
    "reason.basis.last_year": "按去年结构分配本次总额",
    "reason.basis.previous": "上一版方案",
    "reason.cause.earns_more": "当时这一项再投 1 元带来 {own}，其他各项平均 {others}",
    "reason.cause.earns_less": "当时这一项再投 1 元只带来 {own}，其他各项平均 {others}",
    "reason.cause.alike": "这一项再投 1 元带来 {own}，其他各项平均 {others}",
    "reason.cause.alike_alone": "这一项再投 1 元带来 {own}",
    "reason.cause.cut": "ROI 持续偏弱，被“{rules}”削减",
    "reason.cause.held_up": "由“{rules}”托住，尽管这一项再投 1 元只带来 {own}，其他各项平均 {others}",
    "reason.cause.held_down": "受“{rules}”限制，尽管这一项再投 1 元带来 {own}，其他各项平均 {others}",
    "reason.cause.rules": "由“{rules}”决定；这一项再投 1 元带来 {own}，其他各项平均 {others}",
    "reason.cause.rules_alone": "由“{rules}”决定；这一项再投 1 元带来 {own}",
    "reason.cause.reserved": "属于预留资金，不参与优化",
    "reason.within": "，同时受“{rules}”约束",
    "sentence.join": "",
    "section.allocation": "预算分配",
    "section.allocation.sentence": "各项支出、预期回报以及受到的约束。区间包含 90% 的后验概率。",
    "section.weekly": "逐周排期",
    "section.weekly.sentence": "各项每周支出；周以周一日期表示。",
    "section.constraints": "规则与影子价格",
    "section.constraints.sentence": "起约束作用的规则限制了方案；价格是限额放宽一个单位时目标的增量。",
    "section.rules": "逻辑规则",
    "section.rules.sentence": "ROI 持续偏弱时对该项起作用的规则。",
    "section.rules.none": "项目没有设置逻辑规则。",
    "section.proof": "最优性证明",
    "section.versus": "与其他分配方式比较",
    "section.versus.sentence": "两个方案用同一组后验样本评分，共同的运气相互抵消。",
    "section.versus.none": "没有可比较的方案。",
    "section.health": "模型健康度",
    "section.health.sentence": "结论：{verdict}；{findings}。",
    "section.notes": "说明与假设",
    "section.notes.sentence": "使用这些数字之前必须知道的事。",
    "section.notes.none": "无说明。",
    "section.manifest": "运行清单",
    "section.manifest.sentence": "指纹与版本：相同则方案相同。",
    "section.roi": "各渠道 ROI",
    "section.roi.sentence": "数据最近 52 周；区间包含 90% 的后验概率。",
    "section.diagnostics": "采样与拟合",
    "section.conflict": "不能同时成立的规则",
    "section.relaxation": "怎样才能得到方案",
    "section.relaxation.sentence": "只改一条规则、其余不变时的最小改动。",
    "section.prices": "起约束作用的规则及其影子价格",
    "note.rounded": "金额显示时已取整；plan.xlsx、plan.csv 与 plan.json 精确到分。",
    "note.reserve": "预留资金，无回报曲线：{lines}。",
    "note.prior": "历史太短，按先验规划：{lines}。",
    "note.slack": "另有 {count} 条规则有余量；完整清单见 plan.xlsx。",
    "note.slack.here": "其余规则都有余量；完整清单见 Checks 表。",
    "column.key": "标识",
    "column.line": "预算项",
    "column.category": "类别",
    "column.spend": "支出",
    "column.share": "占比",
    "column.gmv": "预期 GMV",
    "column.gmv_range": "GMV 90% 区间",
    "column.roi": "ROI",
    "column.roi_range": "ROI 90% 区间",
    "column.mroi": "下一元 ROI",
    "column.history": "去年同期",
    "column.change": "变化",
    "column.near_optimal": "与最优相差 1% 以内的支出",
    "column.prob_weak": "连续两周偏弱的概率",
    "column.binds": "受限于",
    "column.total": "合计",
    "column.rule": "规则",
    "column.kind": "类型",
    "column.value": "数值",
    "column.sense": "方向",
    "column.limit": "限额",
    "column.least": "不低于",
    "column.most": "不超过",
    "column.tolerance": "容差",
    "column.check": "检查（0 为通过）",
    "column.binding": "起约束",
    "column.price": "价格",
    "column.price_unit": "每单位",
    "column.fired": "触发",
    "column.lines": "涉及项",
    "column.effect": "效果",
    "column.item": "项目",
    "column.against": "比较对象",
    "column.gain": "GMV 增量",
    "column.gain_range": "增量 90% 区间",
    "column.prob_better": "本方案更优的概率",
    "column.verdict": "结论",
    "column.finding": "说明",
    "column.note": "说明",
    "column.channel": "渠道",
    "column.contribution": "贡献",
    "column.half_life": "半衰期（周）",
    "column.source": "来源",
    "column.from": "现值",
    "column.to": "改为",
    "column.proposal": "建议",
    "pair.to": " 至 ",
    "pair.low": "{title}：下限",
    "pair.high": "{title}：上限",
    "source.data": "数据",
    "source.prior": "仅先验",
    "source.silent": "主要靠先验",
    "total": "合计",
    "other": "其他项",
    "yes": "是",
    "no": "否",
    "sense.<=": "不超过",
    "sense.>=": "不低于",
    "sense.==": "等于",
    "kind.total": "总额",
    "kind.bounds": "上下限",
    "kind.category_share": "类别占比",
    "kind.group_share": "组别占比",
    "kind.concentration": "集中度",
    "kind.change": "变动幅度",
    "kind.pilot": "试点",
    "kind.fixed": "固定金额",
    "kind.budget": "时段预算",
    "kind.phases": "分阶段预算",
    "kind.mix": "内容配比",
    "kind.weeks_on": "连续投放周数",
    "kind.cardinality": "启用项数",
    "kind.either_or": "二选一",
    "kind.roi": "最低 ROI",
    "kind.cost_ceiling": "单次成本上限",
    "kind.cut": "弱 ROI 削减",
    "kind.top_up": "强 ROI 追加",
    "kind.release": "预留资金释放",
    "kind.recovery": "削减后恢复",
    "kind.move_cap": "调整上限",
    "verdict.PASS": "通过",
    "verdict.REVIEW": "需复核",
    "verdict.FAIL": "不通过",
    "proof.status": "状态",
    "proof.objective": "本方案目标值",
    "proof.bound": "任何方案不可能超过",
    "proof.gap": "差距",
    "proof.rounds": "迭代轮数",
    "proof.draws": "后验样本数",
    "proof.solver": "求解器",
    "proof.seconds": "用时（秒）",
    "versus.last_quarter": "去年同期分配",
    "versus.pro_rata": "按比例分配",
    "title.backtest": "回测：{origins} 次，每次留出 {horizon} 周",
    "backtest.better": "模型的预测（CRPS）比其余方法中最好的“{rival}”好 {share}。",
    "backtest.worse": "“{rival}”的预测好于本模型，CRPS 相差 {share}：按这些曲线做方案之前，"
    "请先查找遗漏的事件、控制变量或大促。",
    "backtest.coverage": "留出的各周中有 {share} 落在模型的 90% 区间内。",
    "backtest.scores.sentence": "CRPS 与误差均相对于留出各周的 KPI 均值，越低越好。本模型与岭回归已知这些周的支出、"
    "控制变量与日历；其余方法只知道过去。",
    "section.backtest": "对留出各周的预测",
    "section.backtest_origins": "按起点",
    "column.method": "方法",
    "column.crps": "CRPS 得分",
    "column.mape": "平均误差",
    "column.coverage90": "落在 90% 区间",
    "column.trained_to": "训练至该周",
    "column.crps_model": "CRPS：模型",
    "column.crps_rival": "CRPS：最好的其他方法",
    "column.coverage_model": "落在模型 90% 区间",
    "method.model": "本模型",
    "method.seasonal_naive": "去年同周",
    "method.last_year": "去年同周乘增长",
    "method.ridge": "岭回归",
    "diagnostics.max_rhat": "最大 R-hat",
    "diagnostics.min_ess_bulk": "最小 bulk ESS",
    "diagnostics.min_ess_tail": "最小 tail ESS",
    "diagnostics.divergences": "发散次数",
    "diagnostics.draws": "每链样本数",
    "diagnostics.chains": "链数",
    "quality.r2": "R 平方",
    "quality.mape": "平均绝对百分比误差",
    "quality.coverage90": "落入 90% 区间的周",
    "quality.durbin_watson": "Durbin-Watson",
    "terminal.fact": "{label}：",
    "terminal.notes": "说明",
    "terminal.files": "文件",
    "terminal.finding": "{verdict} {name}：{sentence}",
    "sheet.Cover": "封面",
    "sheet.Plan": "预算项 × 周；黄色单元格可改",
    "sheet.Checks": "每条规则：数值与限额，0 为通过",
    "sheet.Solver": "求解器的方案、证明、影子价格与比较",
    "sheet.Health": "模型是否可信",
    "sheet.Assumptions": "数字背后的说明与假设",
    "sheet.Manifest": "运行编号、指纹、版本",
    "cover.checks": "检查",
    "cover.pass": "全部检查通过",
    "cover.fail": " 项检查未通过",
    "cover.sheets": "工作表",
    "cover.fingerprint": "指纹",
    "cover.run_id": "运行编号",
    "cover.key": "颜色",
    "cover.key.input": "可修改",
    "cover.key.failed": "检查未通过",
    "plan.how": "黄色单元格可改；合计与 Checks 表随之更新。",
    "checks.master": "未通过的规则数",
    "outcome.optimal": "已证最优",
    "outcome.feasible": "可行",
    "outcome.infeasible": "无可行方案",
    "outcome.time_limit": "到时间上限",
    "status.optimal": "在所示差距之内，已证明本方案最优。",
    "status.feasible": "方案满足每条规则；上界说明还能好多少。",
    "status.infeasible": "没有方案能同时满足全部规则。",
    "status.time_limit": "在证明方案之前已到时间上限。",
    "cure.optimal": "",
    "cure.feasible": "部分回报曲线呈 S 形，上界不紧；所示差距是诚实的差距。",
    "cure.infeasible": "请按建议放宽所列规则之一。",
    "cure.time_limit": "请加大 --time-limit，或用 --gap 接受更大的差距。",
}

_EN |= DESK_EN | INIT_EN | PAGE_EN | REVIEW_EN | SCREEN_EN
_ZH |= DESK_ZH | INIT_ZH | PAGE_ZH | REVIEW_ZH | SCREEN_ZH
_EN |= workbook_words.EN
_ZH |= workbook_words.ZH

WORDS: Mapping[Lang, Mapping[str, str]] = MappingProxyType({"en": MappingProxyType(_EN), "zh": MappingProxyType(_ZH)})
"""Language to key to word; words with ``{fields}`` are filled by :func:`say`."""


_SPEAKERS: Mapping[Lang, Speaker] = MappingProxyType({lang: Speaker(lang, NOBODY) for lang in LANGUAGES})


def say(lang: Lang, key: str, **fields: object) -> str:
    """Return the word of a key, its fields filled in; ``{count:week|weeks}`` chooses by the number."""
    return _SPEAKERS[lang].vformat(WORDS[lang][key], (), fields)


def term(lang: Lang, family: str, word: str) -> str:
    """Return the word for a member of a family such as ``kind``; one we do not know is shown as it is."""
    return WORDS[lang].get(f"{family}.{word}", plain(word))


def plain(text: str) -> str:
    """Return text on one line without control marks, which could steer a terminal or hide in a cell."""
    return "".join(" " if unicodedata.category(mark) in _CONTROLS else mark for mark in text)


def line_label(line: LinePlan, lang: Lang) -> str:
    """Return a line's name to show."""
    return label_words(line.label, line.name, lang)


def label_words(label: Mapping[str, str], name: str, lang: Lang) -> str:
    """Return the name to show: the label of the language, in Chinese the English one for want of it, else the key."""
    return plain(label.get(lang) or (label.get("en") if lang == "zh" else None) or name)


def quarter_words(quarter: str, lang: Lang) -> str:
    """Return the name of the plan's weeks, ``2027Q4`` or ``2027-10-11 + 13 weeks``, in a language."""
    first, found, weeks = plain(quarter).partition(" + ")
    return say(lang, "span", first=first, weeks=int(weeks.split()[0])) if found else first


def money_words(amount: float, lang: Lang, *, trim: bool = True) -> str:
    """Return an amount of currency.

    English: ``1,234,567``. Chinese: by ten thousands and hundred millions, ``123.46万``; ``trim`` takes off
    trailing zeros, which columns keep so that their digits stand under each other.
    """
    if lang == "en" or abs(round(amount)) < 1e4:
        return _unsigned_zero(f"{amount:,.0f}")
    # rounded first, so that 99,999,999 reads 1亿 and not 10,000万
    large = abs(round(amount / 1e4, 2)) >= 1e4
    digits = f"{amount / 1e8:,.4f}" if large else f"{amount / 1e4:,.2f}"
    return f"{_trimmed(digits) if trim else digits}{'亿' if large else '万'}"


def compact_words(amount: float, lang: Lang) -> str:
    """Return an amount in three digits, for axes and labels: ``1.51M``, ``460K``; Chinese ``151万``."""
    size = abs(amount)
    units = (("B", 1e9), ("M", 1e6), ("K", 1e3)) if lang == "en" else (("亿", 1e8), ("万", 1e4))
    # rounded first, so that 999,999 reads 1M and not 1000K
    rounded = float(f"{size:.3g}")
    unit, worth = next(((name, worth) for name, worth in units if rounded >= worth), ("", 1.0))
    digits = f"{rounded / worth:,.2f}" if rounded / worth < 10 else f"{rounded / worth:,.1f}"
    if rounded / worth >= 100 or not unit:
        digits = f"{rounded / worth:,.0f}"
    sign = "-" if amount < 0 and rounded else ""
    return f"{sign}{_trimmed(digits) if '.' in digits else digits}{unit}"


_YUAN = "元"


def amount_words(amount: float, currency: str, lang: Lang) -> str:
    """Return an amount with its currency: ``5,000,000 CNY`` or ``500万元``."""
    unit = currency_words(currency, lang)
    return f"{money_words(amount, lang)}{'' if unit == _YUAN else ' '}{unit}"


def currency_words(currency: str, lang: Lang) -> str:
    """Return the name of a currency: its code, and 元 for CNY in Chinese."""
    return _YUAN if (lang, currency) == ("zh", "CNY") else plain(currency)


def roi_words(roi: float) -> str:
    """Return ROI the Chinese way: spend 1, earn N, ``1:3.46``."""
    return f"1:{_unsigned_zero(f'{roi:.2f}')}"


def share_words(share: float) -> str:
    """Return a share as percent with one decimal."""
    return f"{_unsigned_zero(f'{100 * share:.1f}')}%"


_WIDE_GAP = 0.01  # further decimals say nothing then


def gap_words(gap: float) -> str:
    """Return an optimality gap as percent, fine enough for 3e-5; a smaller one is not called zero."""
    digits = _unsigned_zero(f"{100 * gap:.{2 if gap >= _WIDE_GAP else 4}f}")
    if gap > 0 and float(digits) == 0:
        return "<0.0001%"
    return f"{_trimmed(digits)}%"


def number_words(number: float) -> str:
    """Return a number with four significant digits, thousands separated."""
    return f"{number:,.0f}" if abs(number) >= 1000 else f"{number:.4g}"


def signed(words: str) -> str:
    """Return formatted words with a plus sign unless they carry a minus or are nothing at all."""
    return words if words.startswith("-") or words == "0" else f"+{words}"


def shown(number: float | None) -> bool:
    """Say whether there is a number to show: not None, NaN or infinite."""
    return number is not None and math.isfinite(number)


def _trimmed(words: str) -> str:
    return words.rstrip("0").rstrip(".")


def _unsigned_zero(words: str) -> str:
    return words.removeprefix("-") if not words.strip("-0.,") else words
