"""A Chinese reader meets Chinese: notes, health, rules, conflicts, on the terminal, the page and in JSON."""

import json
import re

import pytest

from mmm.messages import Message
from mmm.sentences import HEALTH
from optimizer.sentences import PLAN
from reports.words import WORDS

ENGLISH = re.compile(r"(?:[A-Za-z']+[ ,]+){3,}[A-Za-z']+")  # four English words in a row
OWN = ("Simulated data. No business stands behind these figures.",)  # the project's own note


def english(text, names):
    """Runs of English words that are not the project's own; a table may break a rule's name over its lines."""
    for own in (*OWN, *names):
        text = text.replace(own, "")
    return [found for found in ENGLISH.findall(text) if not any(found in name for name in names)]


def rule_names(document):
    return [rule["name"] for rule in (*document["constraints"], *document["rules"], *document["conflict"])]


def test_a_plan_in_chinese(budget, demo):
    answer = budget("plan", "--lang", "zh")
    assert answer.code == 0
    document = json.loads((demo / "plans" / "2027Q4" / "plan.json").read_text(encoding="utf-8"))
    names = sorted(rule_names(document), key=len, reverse=True)
    assert english(answer.out, names) == []
    page = (demo / "plans" / "2027Q4" / "plan.html").read_text(encoding="utf-8")
    text = re.sub(r"<(style|script)>.*?</\1>|<[^>]*>", "\n", page, flags=re.DOTALL)
    assert english(text, names) == []


def test_notes_and_effects_are_saved_with_their_values(planned):
    document = json.loads((planned / "plan.json").read_text(encoding="utf-8"))
    pairs = list(zip(document["notes"], document["note_messages"], strict=True))
    pairs += [(rule["effect"], rule["message"]) for rule in document["rules"]]
    told = [(text, PLAN.read(message)) for text, message in pairs if message is not None]
    assert len(told) >= 3
    for text, message in told:
        assert isinstance(message, Message)
        assert message == text


@pytest.mark.usefixtures("demo")
def test_a_clash_in_chinese(budget):
    answer = budget("plan", "--lang", "zh", "--total", "9000000")
    assert answer.code == 3
    assert "要求" in answer.err
    assert re.search("(降到|提高到|降低|放宽)", answer.err)
    assert english(answer.err, ["half to double of last year", "no line above a third", "at most 50% a week"]) == []


def test_every_check_has_its_name_in_words():
    for lang in ("en", "zh"):
        held = {key.removeprefix("check.") for key in WORDS[lang] if key.startswith("check.")}
        assert len(held) >= 19
    assert {key.split(".")[0] for key in HEALTH.sentences} == {"health", "joined"}


@pytest.mark.usefixtures("small")
def test_errors_in_chinese(budget):
    answer = budget("plan", "--config", "nowhere.yaml", "--lang", "zh")
    assert answer.code == 1
    assert answer.err == "1 个问题：\n  - nowhere.yaml：文件不存在。请检查文件名与所在文件夹。\n"
    asked = budget("plan", "--config", "nowhere.yaml", "--lang", "zh", "--json")
    assert asked.document["problems"][0]["what"] == "文件不存在"


def test_a_wrong_project_in_chinese(budget, small):
    text = (small / "budget.yaml").read_text(encoding="utf-8")
    wrong = text.replace("weeks: 4", "weeks: four").replace("max: 0.45", "maxx: 0.45")
    (small / "budget.yaml").write_text(wrong, encoding="utf-8")
    answer = budget("check", "--lang", "zh")
    assert answer.code == 1
    assert "必须是整数（实际为：four）" in answer.err
    assert "未知的键。是否想写 max？" in answer.err
