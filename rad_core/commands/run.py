"""`rad run`: start a study, or go on with the same one where it was interrupted."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import click

from rad_core.commands.common import add_options, cluster_option, json_option, print_json, say, store_option, store_root
from rad_core.config import StudyConfig
from rad_core.folders import data_folder

if TYPE_CHECKING:
    from rad_core.running.plan import Plan


def _config_options() -> list[Any]:
    """One option per field of StudyConfig, with its help, unit, choices and default."""
    options = []
    for field in attrs.fields(StudyConfig):
        flag = "--" + field.name.replace("_", "-")
        help_ = field.metadata["help"]
        if field.metadata["choices"]:
            help_ += f" [{', '.join(field.metadata['choices'])}]"
        if field.metadata["unit"]:
            help_ += f" ({field.metadata['unit']})"
        default = "by data set" if field.metadata["of_dataset"] else field.default
        shown = {"show_default": "all"} if field.name == "strategies" else {"show_default": str(default) or False}
        if isinstance(field.default, bool):
            options.append(click.option(f"{flag}/--no-{flag[2:]}", field.name, default=None, help=help_, **shown))
        else:
            kind = {int: int, float: float}.get(_plain_type(field), str)
            options.append(click.option(flag, field.name, type=kind, default=None, help=help_, **shown))
    return options


def _plain_type(field: Any) -> type:
    name = str(field.type).split(" | ")[0]
    return {"int": int, "float": float}.get(name, str)


@click.command()
@click.argument("study_file", metavar="[STUDY]", required=False, type=click.Path(path_type=Path))
@add_options(_config_options())
@store_option
@click.option("--workers", type=int, help="Processes to use (default: one per core on a CPU, one on a GPU).")
@cluster_option
@click.option(
    "--id", "study_id", help="Id of the new study, 6 to 40 of a-z, 0-9 and - (default: data set, date and time)."
)
@click.option("--new", is_flag=True, help="Start a new study even where the same one was interrupted.")
@click.option("--dry-run", is_flag=True, help="Print the plan and stop.")
@json_option
@click.option("--quiet", "-q", is_flag=True, help="No progress, only the result.")
def command(
    study_file: Path | None,
    store: Path | None,
    workers: int | None,
    cluster: str | None,
    study_id: str | None,
    new: bool,
    dry_run: bool,
    as_json: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Run a study: buy soft labels round by round with every strategy, train a student on each, compare them.

    Settings come from STUDY, if given, and from options, which win: a .toml file, or the name of one that comes with
    the program, such as showcase. A study of exactly the same settings that was
    interrupted is resumed (--new starts another one). Ctrl-C pauses; every finished round is kept.

    \b
    Examples:
      rad run
      rad run showcase --seeds 2
      rad run --dataset folder:~/photos --strategies rad,margin,uniform --seeds 1 --rounds 3
      rad run study.toml --device cuda --dry-run
      rad run study.toml --cluster auto
    """
    from rad_core.config import read_toml

    values = read_toml(study_file) if study_file is not None else {}
    values |= {name: value for name, value in options.items() if value is not None}
    given = StudyConfig.from_mapping(values)
    if dry_run:
        _print_plan(given, workers, as_json, quiet)
        return
    from rad_core.commands.running import check_place, find_interrupted, read_data, run_and_report
    from rad_core.running.engine import count_workers
    from rad_core.store.catalogue import create_study
    from rad_core.study.data import check_study

    # What cannot run is refused before it leaves a study behind.
    check_place(workers, cluster)
    if cluster is None:
        count_workers(given, workers)
    dataset, config, notes = read_data(given, quiet)
    check_study(config, dataset, here=cluster is None)
    root = store_root(store)
    study = None if new or study_id is not None else find_interrupted(root, config)
    if study is not None and not quiet:
        say(f"Resuming {study.id}, which was interrupted (--new starts another).", err=True)
    if config.outside and not quiet:
        _tell_price(config, len(dataset.labels))
    run_and_report(study or create_study(root, config, study_id), workers, as_json, quiet, notes, cluster)


def _print_plan(given: StudyConfig, workers: int | None, as_json: bool, quiet: bool) -> None:
    """Print what a study will do and cost, without doing it."""
    from rad_core.commands.running import plan_with_data
    from rad_core.results.words import about, duration, money

    planned, config = plan_with_data(given, workers, quiet)
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
    if config.outside:
        lines[-1] = ("Teacher is asked", _asked_in_words(config, planned.asked))
    if config.price_per_label:
        most = "at most " if config.outside else ""
        lines.append(("Price", most + money(planned.price, planned.currency)))
    if config.latency_per_label:
        lines.append(("Teacher's time", duration(planned.teacher_seconds)))
    lines.append(("Device", f"{planned.device}; {planned.workers} process{'' if planned.workers == 1 else 'es'}"))
    if planned.estimated_seconds is not None:
        lines.append(("Estimated time", about(planned.estimated_seconds)))
    lines += _sizes(planned)
    width = max(len(name) for name, _ in lines) + 2
    for name, value in lines:
        say(f"{name:<{width}}{value}")


def _sizes(planned: Plan) -> list[tuple[str, str]]:
    """What the images of a folder take on disk and how long decoding them takes, and what a process takes of memory."""
    from rad_core.results.words import about

    lines = []
    if planned.decoded_images is not None:
        size = f"{planned.decoded_images:,} images, {_bytes(planned.decoded_bytes or 0)} on disk in {data_folder()}"
        seconds = planned.decoding_seconds
        lines.append(("Decoding", f"{size}; {about(seconds) + ', once' if seconds else 'done'}"))
    if planned.memory_bytes is not None:
        lines.append(("Memory", f"about {_bytes(planned.memory_bytes)} in each process"))
    return lines


def _bytes(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e8 else f"{count / 1e6:.1f} MB"


def _asked_in_words(config: StudyConfig, asked: int) -> str:
    """About how many points a teacher from outside is asked, and by how many requests."""
    from rad_core.campaign.chat import TRIES
    from rad_core.campaign.function import BATCH
    from rad_core.learning.teachers import parse_teacher

    kind = parse_teacher(config.teacher)[0]
    how = f"{asked:,} requests, one that fails sent {TRIES} times at most"
    if kind == "python":
        how = f"{BATCH} points a call"
    return (
        f"at most {asked:,} points, whatever two strategies or seeds share once: those bought and "
        f"{config.validation:,} validation examples a seed; {how}"
    )


def _tell_price(config: StudyConfig, rows: int) -> None:
    """What a teacher from outside may be asked and what that may cost, before anything is sent. rows: of the data."""
    from rad_core.results.words import money
    from rad_core.running.plan import outline, with_asked

    planned = outline(config)
    planned = with_asked(planned, config, min(planned.asked, rows))
    price = f" Price: at most {money(planned.price, planned.currency)}." if config.price_per_label else ""
    say(f"The teacher is asked about {_asked_in_words(config, planned.asked)}.{price}", err=True)


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
