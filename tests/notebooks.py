"""The notebooks of assets, executed; `python -m tests.notebooks` keeps what they show, charts as pictures."""

from __future__ import annotations

import base64
import io
import os
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

FOLDER = Path(__file__).parent.parent / "assets" / "notebooks"
PLOTLY = "application/vnd.plotly.v1+json"


def execute(path: Path, folder: Path, more: str = "") -> nbformat.NotebookNode:
    """A notebook with what its cells show, run in a folder. more: a last cell. Raises CellExecutionError."""
    book = nbformat.read(path, as_version=4)
    if more:
        book.cells.append(nbformat.v4.new_code_cell(more))
    environment = {**os.environ, "PLOTLY_RENDERER": "plotly_mimetype", "TMPDIR": str(folder)}
    client = NotebookClient(book, timeout=120, kernel_name="python3")
    with client.setup_kernel(cwd=str(folder), env=environment):
        for number, cell in enumerate(book.cells):
            client.execute_cell(cell, number)
    return book


def keep() -> None:
    """Execute all of them and write them down."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 860, "height": 560})
        for path in sorted(FOLDER.glob("*.ipynb")):
            book = execute(path, Path(folder))
            for cell in book.cells:
                cell.metadata.pop("execution", None)
                for output in cell.get("outputs", []):
                    if PLOTLY in output.get("data", {}):
                        output["data"] = {"image/png": _picture(page, output["data"][PLOTLY]), "text/plain": "a chart"}
            nbformat.write(book, path)
            print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")


def _picture(page: object, figure: dict) -> str:
    """A chart as a PNG of few colors, in base 64."""
    import plotly.graph_objects as go
    from PIL import Image

    drawn = go.Figure(figure).update_layout(paper_bgcolor="white", plot_bgcolor="white")
    page.set_content(drawn.to_html(include_plotlyjs=True, config={"displayModeBar": False}))
    page.wait_for_selector(".main-svg")
    page.wait_for_timeout(500)
    buffer = io.BytesIO()
    shot = Image.open(io.BytesIO(page.locator(".plotly-graph-div").screenshot()))
    shot.convert("RGB").quantize(128).save(buffer, "PNG", optimize=True)
    return base64.b64encode(buffer.getvalue()).decode()


if __name__ == "__main__":
    keep()
