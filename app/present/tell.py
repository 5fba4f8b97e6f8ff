"""From a study to its story. No Streamlit in here."""

from __future__ import annotations

import time
from importlib.metadata import version

from app.figures.base import Theme
from app.present.material import Material
from app.present.model import Story
from app.present.settings import StorySettings, read_settings
from app.present.steps import build_steps
from rad_core.errors import InputError
from rad_core.learning.data import DATASETS, parse_spec
from rad_core.results.summary import teacher_asked
from rad_core.results.words import asked_briefly, count
from rad_core.store import light_copy
from rad_core.store.study import Study
from rad_core.text import one_line

_CHART_HEIGHT = 440  # about that of every chart, in pixels


def tell(study: Study, settings: StorySettings | None = None, theme: Theme = "light") -> Story:
    """The story of a study. settings: by default those stored with it. theme: of the charts and the picture.

    Raises InputError while no strategy has finished a round of purchase: there is nothing to tell yet.
    """
    settings = read_settings(study) if settings is None else settings
    table = study.rounds_table()
    if table.empty or "accuracy" not in table or not (table["round"] > 0).any():
        raise InputError(
            f"Study {study.id} has not finished a round of purchase yet, so there is nothing to tell; wait for its "
            "first results, or choose another study."
        )
    material = Material(study, table, settings, theme, _CHART_HEIGHT)
    steps = build_steps(material)
    title = settings.title or _title(study)
    return Story(title, material.recommended.headline.text, steps, facts(study), settings)


def facts(study: Study) -> dict[str, str]:
    """Where the numbers of a study come from, as names and values."""
    config, info = study.config, study.info()
    asked = teacher_asked(study)
    about = DATASETS.get(parse_spec(config.dataset)[0])
    return {
        "Data set": one_line(config.dataset),
        **({"Images": about.credit} if about and about.credit else {}),
        "Teacher": one_line(config.teacher) + (f", {asked_briefly(asked)}" if asked else ""),
        "Student": config.student,
        "Seeds": f"{config.seeds:,}",
        "Rounds": f"{config.rounds:,}",
        "Labels per round": f"{config.budget:,}",
        "Study": study.id + (" (a light copy)" if light_copy.is_light(study) else ""),
        "Date": time.strftime("%Y-%m-%d", time.gmtime(info.created)),
        "RAD Studio": version("rad-studio"),
    }


def _title(study: Study) -> str:
    """A title for a story that has none of its own."""
    name, config = study.info().name, study.config
    return name or f"Which labels to buy for {config.dataset}: {count(config.seeds, 'repetition')} measured"
