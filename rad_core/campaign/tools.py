"""The files of two labeling tools: tasks with predictions for Label Studio, records with suggestions for Argilla.

Label Studio: what its import reads and its export (JSON and JSON-MIN) writes. The id of a point stands in the data of
a task as rad_id, since a short export has a number of its own called id. Argilla: records as `records.to_json` of its
second version writes them and `from_json` reads them, with one question called label.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from rad_core.errors import InputError
from rad_core.inputs.ids import shortened

ID, QUESTION = "rad_id", "label"
Record = Mapping[str, object]


def label_studio_tasks(picks: Sequence[Record], agent: str) -> list[dict[str, object]]:
    """Picks as tasks. picks: id, text or image, and the student's class `label` and its probability `share` or None."""
    return [
        {"data": {ID: pick["id"], **_shown(pick)}, "predictions": [_prediction(pick, agent)] if pick["label"] else []}
        for pick in picks
    ]


def _prediction(pick: Record, agent: str) -> dict[str, object]:
    shown = "image" if pick.get("image") is not None else "text"
    choice = {
        "from_name": QUESTION,
        "to_name": shown,
        "type": "choices",
        "value": {"choices": [pick["label"]]},
    }
    return {"model_version": agent, "score": pick["share"], "result": [choice]}


def argilla_records(picks: Sequence[Record], agent: str) -> list[dict[str, object]]:
    """Picks as records. picks: as for `label_studio_tasks`."""
    return [
        {
            "id": pick["id"],
            "fields": _shown(pick) or {"text": pick["id"]},
            "metadata": {"round": pick["round"]},
            "suggestions": {QUESTION: {"value": pick["label"], "score": pick["share"], "agent": agent}}
            if pick["label"]
            else {},
            "responses": {},
            "vectors": {},
        }
        for pick in picks
    ]


def _shown(pick: Record) -> dict[str, object]:
    return {key: pick[key] for key in ("text", "image") if pick.get(key) is not None}


# --- what comes back ------------------------------------------------------------------------------------------------


def read_export(path: Path, name: str) -> list[tuple[str, list[str]]]:
    """The votes in an export of either tool: (id, classes); no class is an abstention, who was not asked is left out.

    Raises InputError where the file is no such export.
    """
    try:
        tasks = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise InputError(f"{name} cannot be read ({error.strerror or error}).") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{name} is no JSON ({error}); give an export of Label Studio or Argilla.") from error
    if not isinstance(tasks, list) or not all(isinstance(task, dict) for task in tasks):
        raise InputError(f"{name} is no list of tasks or records; give an export of Label Studio or Argilla.")
    answered = [vote for number, task in enumerate(tasks) for vote in _votes(task, number, name)]
    if not answered:
        raise InputError(f"{name} holds no answers: none of its {len(tasks):,} tasks or records was answered.")
    return answered


def _votes(task: dict[str, object], number: int, name: str) -> list[tuple[str, list[str]]]:
    """The votes on one task or record; [] where nobody looked at it yet."""
    if "responses" in task or "fields" in task:
        return _of_record(task, number, name)
    data = task.get("data", task)
    key = data.get(ID) if isinstance(data, dict) else None
    if key is None:
        raise InputError(
            f"Task {number} of {name} has no {ID} in its data; give an export of the tasks that were picked."
        )
    if "annotations" not in task:
        return [(str(key), _choices(task.get(QUESTION)))] if QUESTION in task else []
    annotations = task["annotations"]
    if not isinstance(annotations, list) or not annotations:
        return []
    votes: list[str] = []
    for annotation in annotations:
        if isinstance(annotation, dict) and not annotation.get("was_cancelled"):
            votes += _of_annotation(annotation, str(key), name)
    return [(str(key), votes)]


def _of_annotation(annotation: dict[str, object], key: str, name: str) -> list[str]:
    results = annotation.get("result")
    votes: list[str] = []
    for result in results if isinstance(results, list) else []:
        value = result.get("value") if isinstance(result, dict) else None
        if isinstance(value, dict) and "choices" in value:
            votes += _choices(value["choices"])
    if len(votes) > 1:
        raise InputError(
            f"{name} gives {shortened(key)} {len(votes)} classes in one annotation; allow a single choice."
        )
    return votes


def _of_record(record: dict[str, object], number: int, name: str) -> list[tuple[str, list[str]]]:
    key = record.get("id")
    if key is None:
        raise InputError(f"Record {number} of {name} has no id; give an export of the records that were picked.")
    responses = record.get("responses")
    given = responses.get(QUESTION) if isinstance(responses, dict) else None
    if not isinstance(given, list) or not given:
        return []
    values = [response.get("value") for response in given if isinstance(response, dict)]
    return [(str(key), [str(value) for value in values if value is not None])]


def _choices(value: object) -> list[str]:
    if isinstance(value, dict):  # JSON-MIN of several choices
        value = value.get("choices")
    if isinstance(value, list):
        return [str(entry) for entry in value]
    return [] if value is None or value == "" else [str(value)]
