"""The notebooks run from top to bottom, in a store of their own, and come to what they say."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.notebooks import FOLDER, PLOTLY, execute

# What holds at the end of each.
ENDS = {
    "ask-and-tell": """
assert [score.labels for score in status.scores] == [0, 60, 120, 180, 240]
assert status.scores[-1].accuracy > 0.6
assert len(campaign.training_set().ids) == 290
assert not campaign.verify()
""",
    "by-itself": """
assert (status.open, status.pool["answered"] + status.pool["abstained"], str(status.spent)) == (0, 80, "2.60")
assert status.accuracy.total == 50 - sum(each.abstained for each in status.rounds if each.number == 0)
assert 0.5 < right.mean() < 1
assert not campaign.verify()
""",
    "simulated-study": """
assert study.info().status == "finished"
assert study.info().best in ("rad", "uniform", "margin")
""",
}
CHARTS = {"simulated-study": 2}


def test_every_notebook_is_tried() -> None:
    paths = list(FOLDER.iterdir())
    assert {path.stem for path in paths} == set(ENDS)
    assert sum(path.stat().st_size for path in paths) < 300_000


@pytest.mark.slow
@pytest.mark.parametrize("name", ENDS)
def test_a_notebook_runs_from_top_to_bottom(name: str, tmp_path: Path) -> None:
    book = execute(FOLDER / f"{name}.ipynb", tmp_path, ENDS[name])
    cells = [cell for cell in book.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    shown = [output.data for cell in cells for output in cell.outputs if PLOTLY in output.get("data", {})]
    assert len(shown) == CHARTS.get(name, 0)
    assert all(len(data[PLOTLY]["data"]) > 2 for data in shown)
