"""The buttons that hand a story over as files; a file is made when its button is clicked, not before."""

from __future__ import annotations

from functools import partial

import streamlit as st

from app.export import FORMATS, file_name, pdf
from app.present.settings import StorySettings
from app.shell.state import View

_ICONS = {
    ".html": ":material/language:",
    ".pptx": ":material/slideshow:",
    ".pdf": ":material/picture_as_pdf:",
    ".zip": ":material/folder_zip:",
    ".md": ":material/article:",
    ".bib": ":material/format_quote:",
}


def buttons(view: View, settings: StorySettings) -> None:
    """One download button per format; one that cannot work here is disabled and says why.

    The study must have finished a round of purchase. Nothing in the study changes.
    """
    no_pdf = pdf.missing()
    finished = view.info.rounds_done > 0 and any(
        view.study.finished_rounds(strategy, seed)[-1:] == [view.config.rounds]
        for seed in view.study.seeds()
        for strategy in view.config.strategies
    )
    unfinished = "" if finished else "No strategy has finished every round yet, so there is nothing to write about."
    reasons = {".pdf": no_pdf, ".md": unfinished, ".bib": unfinished}
    columns = st.columns(2, gap="small")
    for number, (ending, kind) in enumerate(FORMATS.items()):
        why = reasons.get(ending, "")
        columns[number % 2].download_button(
            kind.label,
            data=partial(kind.make, view.study, settings),
            file_name=file_name(view.study, ending),
            mime=kind.mime,
            key=f"export{ending.replace('.', '-')}",
            icon=_ICONS[ending],
            help=why or kind.help,
            disabled=bool(why),
            on_click="ignore",
            width="stretch",
        )
    st.caption(
        "Files hold the story as it is shown here. The report may hold a few images of the pool, unless the "
        "story leaves them out."
    )
