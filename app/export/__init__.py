"""A study as something to hand over: report, slides, PDF, data, and what a paper says of it. No Streamlit in here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from app.present.settings import StorySettings
from app.present.tell import tell
from rad_core.store.study import Study


@dataclass(frozen=True)
class Format:
    """A kind of file. make: the file's bytes from a study and what the presenter chose (None: what is stored)."""

    label: str
    help: str
    mime: str
    make: Callable[[Study, StorySettings | None], bytes]


def _html(study: Study, settings: StorySettings | None) -> bytes:
    from app.export.html import html_report

    return html_report(tell(study, settings), tell(study, settings, "dark"))


def _slides(study: Study, settings: StorySettings | None) -> bytes:
    from app.export.slides import slides

    return slides(tell(study, settings))


def _pdf(study: Study, settings: StorySettings | None) -> bytes:
    from app.export.html import html_report
    from app.export.pdf import print_pdf, require_browser

    require_browser()
    return print_pdf(html_report(tell(study, settings)))


def _data(study: Study, settings: StorySettings | None) -> bytes:
    from app.export.bundle import data_bundle

    return data_bundle(study, tell(study, settings))


def _methods(study: Study, settings: StorySettings | None) -> bytes:
    from app.export.paper import methods_paragraph

    return methods_paragraph(study).encode()


def _bibliography(study: Study, settings: StorySettings | None) -> bytes:
    from app.export.paper import bibliography

    return bibliography(study).encode()


FORMATS: dict[str, Format] = {
    ".html": Format(
        "Report (HTML)",
        "One file that opens without a network: figures to explore, a slide show; it prints well.",
        "text/html",
        _html,
    ),
    ".pptx": Format(
        "Slides (PowerPoint)",
        "Charts that can be edited, notes with the numbers.",
        "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        _slides,
    ),
    ".pdf": Format(
        "Report (PDF)", "The report on A4 paper, printed by the browser of this machine.", "application/pdf", _pdf
    ),
    ".zip": Format(
        "Data (CSV, Parquet)",
        "Every table of the study and the numbers behind the charts; no images.",
        "application/zip",
        _data,
    ),
    ".md": Format(
        "Methods (Markdown)",
        "A paragraph for a paper, in plain words and in LaTeX, with its BibTeX.",
        "text/markdown",
        _methods,
    ),
    ".bib": Format(
        "References (BibTeX)", "The papers behind the study, the paragraph as a comment.", "text/plain", _bibliography
    ),
}


def file_name(study: Study, ending: str) -> str:
    """What an exported file is called."""
    return f"{study.id}{'-data' if ending == '.zip' else '-methods' if ending == '.md' else ''}{ending}"
