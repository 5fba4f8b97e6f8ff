"""The plan of a study, printed."""

from __future__ import annotations

from rad_core.commands.common import print_json, say
from rad_core.config import StudyConfig


def print_plan(given: StudyConfig, workers: int | None, as_json: bool, quiet: bool) -> None:
    """Print what a study will do and cost, without doing it."""
    from rad_core.commands.running import read_data
    from rad_core.results.words import about, duration, money
    from rad_core.running.plan import plan

    dataset, config, _ = read_data(given, quiet)
    planned = plan(given, workers=workers, dataset=dataset)
    if as_json:
        print_json({**vars(planned), "config": config.to_dict()})
        return
    lines = [
        (
            "Data set",
            f"{config.dataset}: {config.labeled} labeled, {config.validation} validation, {planned.pool} pool",
        ),
        *([("Classes", f"{config.class_share}, by frequency")] if config.class_share else []),
        ("Teacher, student", f"{config.teacher}, {config.student}"),
        *_unusual(config),
        ("Cells", f"{len(config.strategies)} strategies x {config.seeds} seeds = {planned.cells}"),
        ("Rounds", f"{config.rounds} of {config.budget} soft labels each"),
        ("Students trained", f"{planned.trainings}"),
        ("Teacher queries", f"{planned.teacher_queries:,}"),
    ]
    if config.price_per_label:
        lines.append(("Price", money(planned.price, planned.currency)))
    if config.latency_per_label:
        lines.append(("Teacher's time", duration(planned.teacher_seconds)))
    lines.append(("Device", f"{planned.device}; {planned.workers} process{'' if planned.workers == 1 else 'es'}"))
    if planned.estimated_seconds is not None:
        lines.append(("Estimated time", about(planned.estimated_seconds)))
    width = max(len(name) for name, _ in lines) + 2
    for name, value in lines:
        say(f"{name:<{width}}{value}")


def _unusual(config: StudyConfig) -> list[tuple[str, str]]:
    """What is otherwise than in the paper's setting."""
    lines = []
    if config.teacher_labeled:
        lines.append(("Teacher learns from", f"the labeled set and {config.teacher_labeled:,} labels of its own"))
    if config.learn_from_validation:
        lines.append(("Student learns from", "labeled set, validation set and what is bought"))
    if config.labels != "soft":
        lines.append(("Labels", config.labels))
    if config.augmentation != "auto":
        lines.append(("Augmentation", config.augmentation))
    return lines
