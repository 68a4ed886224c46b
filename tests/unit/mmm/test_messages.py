"""Messages: English text that can be said again in another language, also after it was saved."""

import copy
import json
import pickle
import re
import string

import pytest

from mmm.messages import Catalogue, Message, Sentence, joined, message_document, said
from mmm.sentences import HEALTH
from optimizer.sentences import PLAN

CATALOGUES = {"health": HEALTH, "plan": PLAN}
KEYS = [(name, key) for name, catalogue in CATALOGUES.items() for key in catalogue.sentences]
GREETINGS = Catalogue(
    {
        "greet": Sentence("Hello {names!n}, {share:.1%} of you.", "{names!n}，你们中有 {share:.1%} 的人，大家好。"),
        "part": Sentence("{who!n} pays {money:,.2f}", "{who!n}付 {money:,.2f}"),
        "paid": Sentence("Paid: {parts:clauses}.", "已付：{parts:clauses}。"),
    }
)


def fields(template):
    """Fields with their formats; a choice between singular and plural is the language's own."""
    found = [(name, spec, how) for _, name, spec, how in string.Formatter().parse(template) if name]
    return sorted(field for field in found if "|" not in field[1])


@pytest.mark.parametrize(("catalogue", "key"), KEYS)
def test_every_sentence_has_both_languages_with_the_same_values(catalogue, key):
    sentence = CATALOGUES[catalogue].sentences[key]
    assert fields(sentence.en) == fields(sentence.zh)
    if bare := re.sub(r"\{[^}]*\}", "", sentence.en).strip(" 1:%.,()"):
        assert re.search("[\u4e00-\u9fff]", sentence.zh), bare
        assert not re.search("[\u4e00-\u9fff]", sentence.en)


@pytest.mark.parametrize(("count", "words"), [(1, "1 cell is held"), (2, "2 cells are held")])
def test_one_is_singular(count, words):
    assert Sentence("{count} {count:cell is|cells are} held", "").said("en", {"count": count}) == words


def test_it_is_english_text():
    told = GREETINGS.tell("greet", names=["douyin", "kol"], share=0.25)
    assert told == "Hello douyin, kol, 25.0% of you."
    assert isinstance(told, str)
    assert json.loads(json.dumps({"told": told})) == {"told": str(told)}


def test_it_is_said_in_chinese_with_labels():
    told = GREETINGS.tell("greet", names=["douyin", "kol"], share=0.25)
    assert told.said("zh", {"douyin": "抖音直播"}) == "抖音直播、kol，你们中有 25.0% 的人，大家好。"
    assert told.said("en", {"kol": "KOL"}) == "Hello douyin, KOL, 25.0% of you."


def test_messages_hold_messages():
    parts = [GREETINGS.tell("part", who="kol", money=1234.5), GREETINGS.tell("part", who="seo", money=2.0)]
    told = GREETINGS.tell("paid", parts=parts)
    assert told == "Paid: kol pays 1,234.50; seo pays 2.00."
    assert told.said("zh", {"kol": "达人"}) == "已付：达人付 1,234.50；seo付 2.00。"
    assert joined("sentences", parts).said("zh") == "kol付 1,234.50seo付 2.00"


def test_it_survives_saving():
    parts = [GREETINGS.tell("part", who="kol", money=1234.5)]
    told = GREETINGS.tell("paid", parts=parts)
    again = GREETINGS.read(json.loads(json.dumps(message_document(told))))
    assert again == told
    assert again.said("zh") == told.said("zh")


@pytest.mark.parametrize(
    "document",
    [
        None,
        {},
        "text",
        {"key": "gone", "values": {}},
        {"key": "greet", "values": {}},
        {"key": "part", "values": {"who": 1, "money": "x"}},
    ],
)
def test_what_another_version_saved_is_not_read(document):
    assert GREETINGS.read(document) is None


def test_text_that_is_no_message_stays_as_it_is():
    assert said("my own note", "zh") == "my own note"
    assert message_document("my own note") is None


def test_values_are_never_templates():
    told = GREETINGS.tell("part", who="{money.__class__}", money=1.0)
    assert told == "{money.__class__} pays 1.00"
    assert told.said("zh") == "{money.__class__}付 1.00"


def test_a_number_that_json_cannot_hold_leaves_the_text():
    document = json.loads(
        json.dumps(message_document(GREETINGS.tell("part", who="kol", money=float("nan"))), allow_nan=False)
    )
    assert GREETINGS.read(document) is None


def test_copies_keep_the_values():
    told = GREETINGS.tell("part", who="kol", money=1.0)
    for copied in (copy.copy(told), copy.deepcopy(told), pickle.loads(pickle.dumps(told))):  # noqa: S301 - our own
        assert isinstance(copied, Message)
        assert copied.said("zh") == told.said("zh")
