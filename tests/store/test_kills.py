"""A few kills of every command; `python -m tests.kills` does hundreds."""

from __future__ import annotations

import pytest

from tests.kills import main


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.long
def test_kills_lose_change_and_leave_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--kills", "5", "--seed", "3"]) == 0
    assert "5 kills" in capsys.readouterr().out
