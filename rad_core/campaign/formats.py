"""What a campaign hands out: picks as tables or for labeling tools, training sets, the ledger; whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from rad_core.campaign import tools
from rad_core.campaign.asking import Picks
from rad_core.campaign.campaign import Campaign
from rad_core.campaign.contents import Content, likeliest
from rad_core.campaign.ledger import ANSWERS
from rad_core.errors import InputError
from rad_core.inputs.writing import table_bytes, write_whole

FORMATS = {"csv": ".csv", "parquet": ".parquet", "jsonl": ".jsonl", "label-studio": ".json", "argilla": ".json"}
TABLES = ("csv", "parquet", "jsonl")


def format_of(path: Path, wanted: str | None = None, choices: Sequence[str] = tuple(FORMATS)) -> str:
    """The format of a file: as wanted, else by its ending. Raises InputError, also where it cannot be written there."""
    endings = {FORMATS[name]: name for name in choices if name in TABLES}
    suffix = path.suffix.lower()
    if wanted is None:
        wanted = endings.get(suffix)
        if wanted is None:
            tool = " (or say which tool a .json is for: --format)" if suffix == ".json" and len(choices) > 3 else ""
            raise InputError(f"{path} ends in {suffix or 'nothing'}; the output is {', '.join(endings)}{tool}.")
    elif suffix != FORMATS[wanted]:
        raise InputError(f"{path} ends in {suffix or 'nothing'}; a file for {wanted} ends in {FORMATS[wanted]}.")
    if not path.parent.is_dir():
        raise InputError(f"There is no folder {path.parent} for the output; make it or choose another with -o.")
    if path.is_dir():
        raise InputError(f"{path} is a folder; name a file in it.")
    return wanted


def write_picks(path: Path, kind: str, campaign: Campaign, picks: Picks) -> None:
    """Write picks in a format of FORMATS, with what the teacher is shown."""
    held = {name: [_path_of(value) for value in values] for name, values in campaign.shown(picks.ids).items()}
    shown = {
        name: values
        for name, values in held.items()
        if all(value is None or isinstance(value, str) for value in values)
    }
    if kind in TABLES:
        columns = {
            "id": np.array(picks.ids, object),
            "gain": picks.gains,
            "probability": picks.q,
            "round": picks.rounds,
            **{
                name: np.array(["" if value is None else value for value in values], object)
                for name, values in shown.items()
            },
        }
        write_table(path, kind, columns)
        return
    records = [
        {
            "id": name,
            "round": int(picks.rounds[at]),
            "label": picks.labels[at],
            "share": picks.shares[at],
            **{column: values[at] for column, values in shown.items()},
        }
        for at, name in enumerate(picks.ids)
    ]
    agent = f"{campaign.name}-student"
    made = tools.label_studio_tasks(records, agent) if kind == "label-studio" else tools.argilla_records(records, agent)
    write_whole(path, json.dumps(made, ensure_ascii=False, indent=1).encode())


def _path_of(value: object) -> object:
    """Of an image as data sets keep it, bytes and a path, the path; anything else as it is."""
    return value.get("path") if isinstance(value, dict) and "path" in value else value


def write_table(path: Path, kind: str, columns: Mapping[str, np.ndarray]) -> None:
    """Write columns as csv, parquet or jsonl; in a .csv what a spreadsheet would run has an apostrophe before it."""
    if kind == "jsonl":
        rows = zip(*(_plain(values) for values in columns.values()), strict=True)
        lines = [json.dumps(dict(zip(columns, row, strict=True)), ensure_ascii=False) for row in rows]
        write_whole(path, "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogatepass"))
    else:
        write_whole(path, table_bytes(dict(columns), FORMATS[kind]))


def _plain(values: np.ndarray) -> list[object]:
    """A column as JSON has it: what is no number is null."""
    return [None if isinstance(value, float) and value != value else value for value in values.tolist()]


def ledger_columns(campaign: Campaign) -> dict[str, np.ndarray]:
    """The whole ledger as columns: a row for each entry, answers as a class and one column per class."""
    rows = campaign.entries()
    width = len(campaign.classes)
    answers = [entry.kind in ANSWERS for _, entry, _ in rows]
    contents = [
        Content(entry.label, entry.soft) if said else None for (_, entry, _), said in zip(rows, answers, strict=True)
    ]
    names = [_name(content, campaign.classes) for content in contents]
    soft = np.full((len(rows), width), np.nan)
    for at, content in enumerate(contents):
        if content is not None and content.soft is not None:
            soft[at] = np.frombuffer(content.soft, "<f8")
    return {
        "entry": np.array([number for number, *_ in rows], np.int64),
        "time": np.array([entry.time for _, entry, _ in rows]),
        "kind": np.array([entry.kind for _, entry, _ in rows], object),
        "id": np.array([point.id for *_, point in rows], object),
        "part": np.array([point.part for *_, point in rows], object),
        "round": np.array([entry.round for _, entry, _ in rows], np.int64),
        "source": np.array([entry.source or "" for _, entry, _ in rows], object),
        "cost": np.array([entry.cost for _, entry, _ in rows], object),
        "label": np.array(names, object),
        **{f"answer_{name}": soft[:, number] for number, name in enumerate(campaign.classes)},
        "gain": np.array([np.nan if entry.gain is None else entry.gain for _, entry, _ in rows]),
        "probability": np.array([np.nan if entry.probability is None else entry.probability for _, entry, _ in rows]),
    }


def _name(content: Content | None, classes: Sequence[str]) -> str:
    if content is None:
        return ""
    number = likeliest(content, len(classes))
    return "" if number is None else classes[number]
