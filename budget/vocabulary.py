"""Words by which the columns of a stranger's table are recognised, English and Chinese."""

from __future__ import annotations

import re
import unicodedata

_EDGE = r"(?:^|(?<=[\s_.\-(/]))"
_END = r"(?=$|[\s_.\-)/])"


def _words(english: str, chinese: str, *first: str) -> re.Pattern[str]:
    """Match patterns as they are, English words as whole words, and Chinese words (parted by spaces) anywhere."""
    return re.compile("|".join((*first, f"{_EDGE}(?:{english}){_END}", *chinese.split())))


WEEK = _words(
    r"weeks?|dates?|days?|time|ds|week_?start|date_?week|wk_?strt_?dt|period_?start", "日期 时间 周 週 星期 年月日"
)
# Which day of its week a date is: wk_strt_dt, "week ending", 周起始日, 截止日期.
WEEK_STARTS = re.compile(r"start|begin|commenc|strt|monday|起始|开始|周一|首日")
WEEK_ENDS = _words(r"(?:week_?)?end(?:ing|s|_?date)?", "截止 结束 周日 末日 周末", "w/e", "week_?end")
UNIT = _words(
    "geo|geography|market|region|brand|country|city|province|store|dma|area",
    "品牌 地区 区域 城市 省份 市场 门店 店铺 国家",
)
CHANNEL = _words("channel|channels|media|medium|platform|vehicle|line", "渠道 媒体 媒介 平台 频道")
CATEGORY = _words("category|budget_category", "类别 类目 分类 科目")
GROUP = _words("group|channel_group", "分组 组别")

# The marks _S, _I and _P are those of Robyn's data; mdsp and mdip those of a retailer's.
SPEND = _words(
    "spend|spending|spent|costs?|investment|adspend|mdsp",
    "投放金额 投放费用 花费 消耗 投入 投放 费用 支出",
    r"_S$",
)
EXPOSURE = _words(
    "impressions?|imps?|views|grps?|trps?|reach|exposures?|mdip", "曝光量 曝光 展现量 展现 展示量 播放量", r"_I$"
)
VISITS = _words(
    "visits?|visitors?|clicks?|sessions?|uv|traffic",
    "访客数 访客 访问量 访问 点击量 点击 流量 进店",
    r"_clicks_P$|_P$",
)
ATTRIBUTED = _words(
    "attributed|attribution", "归因成交额 归因销售额 归因成交 归因 引导成交金额 引导成交额 引导成交 引导"
)

MONEY_KPI = _words(
    "gmv|revenues?|sales|turnover|income",
    "成交总额 成交金额 成交额 销售总额 销售金额 销售额 支付金额 营业额 交易额 营收 收入 销售",
)
COUNT_KPI = _words(
    "kpi|conversions?|orders|transactions|units_sold|signups?|installs|y|target|outcome",
    "订单数 订单量 订单 销量 成交量 转化数 转化 新客数",
)
VALUE = _words("aov|average_order_value|value_per_kpi|price_per_unit", "客单价 件单价", r"(?:revenue|value|price)_per_")
WHOLE = re.compile(r"^(?:total|all|net|gross|overall|store|shop|总|全店|全站|全部|店铺|整体|合计|大盘)?$")
NOT_OURS = _words(
    "competitors?|competition|market|industry|plan|planned|budget|target_roi|roi|roas", "竞品 竞争 行业 预算 计划"
)

COUNTER = _words(
    r"year|yr|quarter|qtr|prd|month|weekday|week_?(?:no|num|number|of_?year)?|wk|dayofyear|doy|day_?of_?\w+|index|idx"
    r"|id|t|row|unnamed:?\d*",
    "年份 年度 季度 月份 周次 周数 序号 编号",
)
"""Columns that only count time, unless they are 0 and 1."""

NO_EVENT = frozenset({"", "-", "na", "n/a", "nan", "none", "no", "null", "0", "无", "否", "没有"})
CHINESE = re.compile(r"[\u4e00-\u9fff]")
CHINESE_PLATFORMS = _words(
    "douyin|kuaishou|xiaohongshu|weibo|wechat|weixin|bilibili|taobao|tmall|jd|pinduoduo|baidu|zhihu",
    "抖音 快手 小红书 微博 天猫 淘宝 京东",
)

GROUPS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("live", _words("live|livestream", "直播")),
    ("search", _words("search|sem|ppc|google|baidu|bing|adwords|brand_search", "搜索 百度 直通车")),
    ("creator", _words("kol|koc|influencers?|creators?", "达人 红人 网红")),
    (
        "social",
        _words(
            "social|facebook|fb|meta|instagram|ig|twitter|tiktok|snapchat|pinterest|linkedin|douyin|kuaishou|weibo|"
            "xiaohongshu|wechat|weixin|bilibili|zhihu",
            "社交 抖音 快手 小红书 微博 微信 朋友圈 视频号 B站 b站 哔哩 知乎",
        ),
    ),
    ("video", _words("video|youtube|ott|ctv|vod", "视频 优酷 爱奇艺 腾讯视频")),
    ("display", _words("display|banners?|programmatic|criteo|retargeting", "展示 信息流 横幅 程序化")),
    ("broadcast", _words("tv|television|radio|audio|podcasts?", "电视 广播 电台")),
    ("print", _words("print|newspapers?|magazines?|inserts?|direct_?mail|flyers?", "报纸 杂志 直邮 平面")),
    ("outdoor", _words("ooh|outdoor|billboards?|dooh", "户外 地铁 电梯 分众 公交")),
    ("owned", _words("email|e-mail|edm|sms|crm|seo|community|newsletter", "私域 社群 短信 邮件 会员 官网")),
    ("affiliate", _words("affiliates?|aff|cps", "淘宝客 淘客 联盟")),
)
"""Group to the words of its channels; the first that matches is a channel's group."""

BOTH_NAMES = {
    "tv": ("Television", "电视"),
    "radio": ("Radio", "电台"),
    "ooh": ("Out of home", "户外"),
    "print": ("Print", "平面"),
    "newspaper": ("Newspaper", "报纸"),
    "social": ("Social", "社交媒体"),
    "social_media": ("Social media", "社交媒体"),
    "search": ("Search", "搜索"),
    "search_ads": ("Search ads", "搜索广告"),
    "platform_search": ("Platform search", "平台搜索"),
    "display": ("Display", "展示广告"),
    "display_ads": ("Display ads", "展示广告"),
    "video": ("Video", "视频"),
    "email": ("Email", "邮件"),
    "sms": ("SMS", "短信"),
    "influencer": ("Influencers", "达人"),
    "kol": ("KOL", "达人KOL"),
    "affiliate": ("Affiliates", "联盟"),
    "local_ads": ("Local ads", "本地广告"),
    "douyin": ("Douyin", "抖音"),
    "douyin_live": ("Douyin live", "抖音直播"),
    "kuaishou": ("Kuaishou", "快手"),
    "kuaishou_live": ("Kuaishou live", "快手直播"),
    "weibo": ("Weibo", "微博"),
    "wechat": ("WeChat", "微信"),
    "xiaohongshu": ("Xiaohongshu", "小红书"),
    "bilibili": ("Bilibili", "B站"),
    "website_seo": ("Website SEO", "官网SEO"),
    "seo": ("SEO", "SEO"),
    "sem": ("Paid search", "付费搜索"),
    "private_community": ("Private community", "私域社群"),
    "offline_stores": ("Offline stores", "线下门店"),
}
"""Names of usual channels in both languages, by key."""

_CAPITALS = {"tv", "ooh", "kol", "koc", "seo", "sem", "sms", "crm", "ppc", "edm", "ott", "ctv", "cps", "dm"}


def folded(header: str) -> str:
    """A header for matching: half-width, lower case but for a capital mark at its end such as ``_S``."""
    text = unicodedata.normalize("NFKC", header).strip()
    return text[:-1].casefold() + text[-1:] if re.search(r"_[A-Z]$", text) else text.casefold()


def without(pattern: re.Pattern[str], header: str) -> str | None:
    """What is left of a header without the words of a pattern, as a key; None when it has none of them."""
    text = folded(header)
    match = pattern.search(text)
    return None if match is None else key_of(f"{text[: match.start()]} {text[match.end() :]}")


def key_of(name: str) -> str:
    """A name as a key of a project file: lower case, words joined by underscores, units in brackets left out."""
    text = re.sub(r"\((?:元|万元|cny|rmb|usd|eur|\$|€|¥|£)\)", " ", unicodedata.normalize("NFKC", name).casefold())
    return re.sub(r"\W+", "_", text.replace("_", " ")).strip("_")


def title_of(key: str) -> str:
    """A key as a name to read: ``search_ads`` is Search ads, ``tv`` is TV."""
    words = [word.upper() if word in _CAPITALS else word for word in key.split("_")]
    title = " ".join(words)
    return title[:1].upper() + title[1:]
