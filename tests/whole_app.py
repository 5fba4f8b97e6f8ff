"""Makes AppTest run a page as a visitor gets it: with main.py around it."""

from __future__ import annotations

from typing import Any

import pytest
from streamlit.runtime.pages_manager import PagesManager


def surround_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep Streamlit from taking app/pages for pages that stand alone, as AppTest does whenever it runs."""
    original = PagesManager.__init__

    def start(self: PagesManager, *arguments: Any, **options: Any) -> None:
        original(self, *arguments, **options)
        PagesManager.uses_pages_directory = False

    monkeypatch.setattr(PagesManager, "__init__", start)
