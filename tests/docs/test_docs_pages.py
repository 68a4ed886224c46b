"""What the documentation tells people to type exists, works, and prints what the pages quote."""

import re
import shlex

import pages
import pytest
from ruamel.yaml import YAML
from typer.main import get_command

from budget.cli import app

OTHERS = [
    f"docs/{name}.md" for name in ("index", "workbook", "whatif", "backtest", "weekly-review", "planner", "model")
]
COMMANDS = get_command(app).commands


def typed(name):
    """Words of every ``budget`` command that a page tells to type."""
    for block in pages.blocks(pages.ROOT / name):
        if block.kind == "sh":
            for part in re.findall(r"^budget .*$|(?<=&& )budget .*$|(?<=\n)budget .*$", block.text, re.MULTILINE):
                yield shlex.split(re.split(r" \| | && ", part)[0], comments=True)


@pytest.mark.parametrize("name", [*pages.walked_pages(), *OTHERS])
def test_commands_and_options_exist(name):
    for words in typed(name):
        known = {option for parameter in COMMANDS[words[1]].params for option in parameter.opts} | {"--help"}
        assert {word for word in words if word.startswith("-") and not word[1:2].isdigit()} <= known, words


@pytest.mark.parametrize("name", pages.walked_pages())
def test_every_page_quotes_what_it_tells_to_type(name):
    kinds = [block.kind for block in pages.blocks(pages.ROOT / name)]
    assert "sh" in kinds
    for block in pages.blocks(pages.ROOT / name):
        assert block.text.strip() != "?", f"python tests/pages.py {name}"
        if block.kind == "yaml":
            assert YAML(typ="safe", pure=True).load(block.text)


def test_every_guide_is_listed():
    listed = re.findall(r"\]\(([a-z-]+\.md)\)", (pages.ROOT / "docs/how-to/index.md").read_text(encoding="utf-8"))
    guides = [name for name in pages.walked_pages() if name.startswith("docs/how-to/") and name != pages.INDEX]
    assert sorted(listed) == sorted(name.rpartition("/")[2] for name in guides)


def test_lines_are_held_against_the_output_without_their_figures():
    output = " Weibo      82,747    1.7%  1:2.69\n ──────\n Total  5,000,000\n"
    assert pages.missing("Weibo 91,000 1.9% 1:2.71\n...\nTotal 5,000,000\n", output) == []
    assert pages.missing("Douyin 91,000 1.9% 1:2.71\n", output) == ["Douyin 91,000 1.9% 1:2.71"]
    assert pages.missing("Weibo 1 2% 1:3 Total\n", output) == []
    assert pages.renewed("Weibo 1 1.9% 1:2\n...\n Total  5\n", output) == (
        " Weibo      82,747    1.7%  1:2.69\n...\n Total  5,000,000\n"
    )


@pytest.fixture(scope="session")
def planned_demo(tmp_path_factory):
    """The demo, fitted and planned by the commands of docs/how-to/index.md; pages work on copies."""
    return pages.planned_demo(tmp_path_factory.mktemp("docs"))


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in pages.walked_pages() if name != pages.INDEX])
def test_a_page_works_as_typed_and_prints_what_it_quotes(name, planned_demo, tmp_path):
    folder = tmp_path / "project"
    pages.begin(name, planned_demo, folder)
    for quote, output in pages.walk(pages.ROOT / name, folder):
        assert pages.missing(quote.text, output) == [], output
