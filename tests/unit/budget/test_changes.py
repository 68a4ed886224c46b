"""Changes by key: applied to the project as if its file said so, and refused where they cannot be."""

import fitted
import pytest
from hypothesis import given
from hypothesis import strategies as st

from budget.changes import Change, apply_changes, changed_inputs, parse_key, parse_set, refuse_clashes
from budget.project import load_project
from mmm.problems import InputError


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("changes")
    (folder / "budget.yaml").write_text(fitted.SMALL, encoding="utf-8")
    return load_project(folder / "budget.yaml")


def changed(loaded, *texts):
    return apply_changes(loaded, [parse_set(text) for text in texts], "test")


def refused(call, *arguments):
    with pytest.raises(InputError) as error:
        call(*arguments)
    return [str(problem) for problem in error.value.problems]


@pytest.mark.parametrize(
    ("key", "path"),
    [
        ("plan.total", ("plan", "total")),
        ("total", ("plan", "total")),
        ('constraints."social cap".max', ("plan", "constraints", "social cap", "max")),
        ('plan.constraints."a ""b"" c".max', ("plan", "constraints", 'a "b" c', "max")),
        ("plan.rules.weak ROI.cut", ("plan", "rules", "weak ROI", "cut")),
        ('constraints."at most 1.5 a week".max', ("plan", "constraints", "at most 1.5 a week", "max")),
        ("channels.抖音直播.groups", ("channels", "抖音直播", "groups")),
    ],
)
def test_keys_are_paths(key, path):
    assert parse_key(key, "here") == path


@pytest.mark.parametrize("key", ["", ".", "plan.", "plan..total", '"', 'constraints."open', "a[1]"])
def test_what_is_no_key_is_refused(key):
    (told,) = refused(parse_key, key, "--set")
    assert "this is no key of a project" in told


@given(st.text(max_size=40))
def test_any_text_is_a_change_or_refused_in_words(text):
    try:
        found = parse_set(text)
    except InputError:
        return
    assert isinstance(found, Change)


def test_a_total_and_a_rule_are_changed(loaded):
    project = changed(loaded, "plan.total=450万", 'constraints."social cap".max=0.5').project
    assert project.plan.total == "450万"
    assert [rule.max for rule in project.plan.constraints if rule.name == "social cap"] == [0.5]
    assert loaded.project.plan.total == 1_400_000


def test_a_changed_project_is_the_project_of_a_changed_file(loaded, tmp_path):
    text = fitted.SMALL.replace("max: 0.45", "max: 0.6").replace("total: 1400000", "total: 1500000")
    (tmp_path / "budget.yaml").write_text(text, encoding="utf-8")
    assert changed(loaded, 'constraints."social cap".max=0.6', "total=1500000").project == (
        load_project(tmp_path / "budget.yaml").project
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("plan.totl=1", "there is no such key (found: totl). Did you mean total?"),
        ("pln.total=1", "there is no such key (found: pln). Did you mean plan?"),
        (
            'constraints."social cp".max=0.5',
            "there is no rule of this name (found: social cp). Did you mean social cap?",
        ),
        ('constraints."social cap".mxa=0.5', "mxa: unknown key. Did you mean max?"),
        ('constraints."social cap".max=much', "must be a number"),
        ('constraints."social cap".max=1.5', "must be at most 1"),
        ("plan.objective.maximize=gmv", "there is no such key (found: maximize). Did you mean maximise?"),
        ("model.draws=10", "this would need a new fit (found: model)"),
        ("channels.search.spend=other", "this would need a new fit (found: channels)"),
    ],
)
def test_what_cannot_be_changed_is_refused_with_a_suggestion(loaded, text, told):
    (found,) = refused(changed, loaded, text)
    assert told in found
    assert "scenario test" in found


def test_all_faults_are_told_at_once(loaded):
    assert len(refused(changed, loaded, "totl=1", 'constraints."x".max=1')) == 2


def test_changes_that_touch_the_same_key_clash():
    parts = [("a", [parse_set("plan.total=1")]), ("b", [parse_set("total=2"), parse_set("plan.weeks=3")])]
    (told,) = refused(refuse_clashes, parts, "both")
    assert "a and b change the same key" in told
    assert refused(refuse_clashes, [("a", [parse_set("total=1"), parse_set("total=2")])], "a")
    inside = [("a", [parse_set("plan.objective={maximise: gmv}")]), ("b", [parse_set("plan.objective.maximise=gmv")])]
    assert refused(refuse_clashes, inside, "both")


def test_only_inputs_that_differ_are_changes(loaded):
    same = {"plan.total": 1_400_000.0, 'plan.constraints."social cap".max': 0.45}
    assert changed_inputs(loaded, same) == ()
    (one,) = changed_inputs(loaded, same | {"plan.total": 1_500_000.0})
    assert (one.path, one.value) == (("plan", "total"), 1_500_000)
