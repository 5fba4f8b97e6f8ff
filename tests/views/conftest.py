"""A page may start a map, which takes half a minute of both cores: it ends with its test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.helpers.background import end_background


@pytest.fixture(autouse=True)
def nothing_goes_on(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    yield
    end_background(tmp_path_factory.getbasetemp())
