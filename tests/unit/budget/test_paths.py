"""Files are named as one would type them."""

from budget.paths import typed


def test_a_path_is_told_from_the_current_folder_where_it_lies_inside(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert typed(tmp_path / "plans" / "2027Q4" / "plan.xlsx") == "plans/2027Q4/plan.xlsx"
    assert typed(tmp_path.parent / "plan.xlsx") == str(tmp_path.parent / "plan.xlsx")
