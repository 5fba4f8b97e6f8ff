"""Where does it matter which labels are bought? `python -m tests.studies.choosing -o FILE.csv`.

Plays uniform, margin and RAD in many settings, of digits and Fashion-MNIST, images and features, balanced and tailed
pools, teachers of the student's labels and of more, small and larger labeled sets, and writes a row for each: what can
be known before any purchase (from the student's probabilities and the checked examples alone), and whether the rules
came to differ. Finished settings are in the file; a second call goes on from there.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from app.explore.matters import of_study
from app.results import shipped
from rad_core import files
from rad_core.config import StudyConfig
from rad_core.folders import data_folder
from rad_core.learning.training import predict
from rad_core.results.verdicts import holm, results
from rad_core.running.engine import run_study
from rad_core.selection.foresight import Foresight, foresee
from rad_core.selection.gains import GAINS
from rad_core.store.catalogue import create_study
from rad_core.store.study import Study
from rad_core.study.prepare import open_setting
from rad_core.study.students import Purchases, train_networks

RULES = ("uniform", "margin", "rad")
SEEDS = 5
KNOWN = [field.name for field in fields(Foresight)]
_COMMON = {"strategies": RULES, "seeds": SEEDS, "rounds": 4, "full_pool": False, "augment": False, "device": "cpu"}
_DIGITS = {"validation": 200, "budget": 40, "student_steps": 400, "teacher_steps": 400, "test": 300}
_FASHION = {"pool": 4000, "validation": 300, "budget": 100, "student_steps": 500, "teacher_steps": 500, "test": 2000}
_FASHION |= {"batch_size": 64}
_SIZES = {"digits": (40, 120), "fashion": (100, 400)}


def settings(folder: Path) -> dict[str, dict[str, Any]]:
    """Configurations by name. folder: where files of features are, which `features_of` made."""
    made = {}
    kinds = [(data, form) for data in ("digits", "fashion") for form in ("images", "features")]
    for (data, form), tailed, better, few, plain in itertools.product(kinds, *[(False, True)] * 4):
        if form == "features" and not few:
            continue
        base = dict(_COMMON) | (_DIGITS if data == "digits" else _FASHION)
        base["labeled"] = _SIZES[data][0 if few else 1]
        base["teacher"] = "mlp" if form == "features" else "cnn"
        base["teacher_labeled"] = (300 if data == "digits" else 2000) if better else 0
        if tailed:
            base["class_share"] = "tail:10"
        if form == "features":
            base |= {"dataset": f"features:{folder / data}.npz", "student": "linear" if plain else "mlp"}
        else:
            base |= {"dataset": "digits" if data == "digits" else "fashion_mnist"}
            base["student"] = "mlp" if plain else "cnn_tiny"
        pool, taught = "tail" if tailed else "even", "better" if better else "own"
        made[f"{data}-{form}-{base['student']}-{pool}-{taught}-{base['labeled']}"] = base
    return made


def features_of(folder: Path) -> None:
    """Files of features: the digits' pixels, and 64 principal components of 20,000 images of Fashion-MNIST."""
    from sklearn.datasets import load_digits
    from sklearn.decomposition import PCA

    from rad_core.learning.data import load_dataset

    pixels, digits = load_digits(return_X_y=True)
    np.savez(folder / "digits.npz", features=(pixels / 16).astype(np.float32), labels=digits)
    fashion = load_dataset("fashion_mnist", data_dir=data_folder())
    images = np.asarray(fashion.images[:20000], np.float32).reshape(20000, -1) / 255
    components = PCA(64, random_state=0).fit_transform(images).astype(np.float32)
    np.savez(folder / "fashion.npz", features=components, labels=np.asarray(fashion.labels[:20000]))


def known_before(study: Study) -> dict[str, float]:
    """What can be known before the first purchase, in the mean over seeds."""
    rows = []
    for seed in range(study.config.seeds):
        setting = open_setting(study, seed)
        validation = setting.inputs.take(setting.split.validation)
        ((network, _),) = train_networks([setting], [Purchases.nothing(setting.classes)], 0)
        gain = GAINS[study.config.gain]
        (pool, features), (checked, _) = (
            predict(network, inputs) for inputs in (setting.inputs.take(setting.split.pool), validation)
        )
        on_pool, on_checked = (np.asarray(gain(said.numpy())) for said in (pool, checked))
        right = setting.teacher.peek(setting.split.validation)[0].argmax(1) == setting.labels[setting.split.validation]
        rows.append(asdict(foresee(on_pool, on_checked, right, study.config.budget, features.numpy())))
    return {str(name): float(value) for name, value in pd.DataFrame(rows).mean().items()}


def again(config: Mapping[str, Any], store: Path) -> dict[str, float]:
    """What can be known before, of a setting whose rules have been played: of its teachers and first students alone."""
    return known_before(_played({**config, "strategies": ("uniform",), "rounds": 1}, store))


def _played(config: Mapping[str, Any], store: Path) -> Study:
    study = create_study(store, StudyConfig.from_mapping(dict(config)))
    study.record_threads(1)  # sums depend on how many there are
    run_study(study, workers=1)
    return study


def shipped_rows() -> pd.DataFrame:
    """The studies that ship, whose pool stands for the checked examples, since a simulation knows the teacher there."""
    rows = []
    for info in shipped.infos():
        study = shipped.open_study(info.id)
        known = of_study(study, study.config.budget)
        assert known is not None
        rows.append({"setting": study.id, **asdict(known), **outcome(study)})
    return pd.DataFrame(rows)


def outcome(study: Study) -> dict[str, float]:
    """By comparison with uniform, over the curve: mean difference in points of accuracy, and whether it is shown."""
    measured = results(study)
    samples = {
        rule: 100 * (measured.by_seed(rule, "area") - measured.by_seed("uniform", "area")) for rule in ("margin", "rad")
    }
    samples["rad over margin"] = 100 * (measured.by_seed("rad", "area") - measured.by_seed("margin", "area"))
    tested = holm(samples, len(samples))
    row: dict[str, float] = {}
    for name, each in tested.items():
        row |= {
            f"{name}": each.difference.mean,
            f"{name} low": each.difference.low,
            f"{name} high": each.difference.high,
        }
        row[f"{name} shown"] = float(each.outcome in ("ahead", "behind"))
    return row


def run(config: Mapping[str, Any], store: Path) -> dict[str, float]:
    """One setting from its beginning to its row."""
    study = _played(config, store)
    teacher = np.mean([study.seed_metrics(seed)["teacher_accuracy_pool"] for seed in range(study.config.seeds)])
    measured = results(study)
    return {
        **known_before(study),
        **outcome(study),
        "teacher on the pool": float(teacher),
        "without labels": float(measured.scores["final"].mean() - measured.scores["added"].mean()),
    }


def _keep(table: pd.DataFrame, target: Path) -> None:
    text = table.to_csv(index=False, float_format="%.6g")
    files.replace(target, lambda file: file.write(text.encode()))


def main() -> None:
    """Run what the file does not hold yet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path, required=True, help="CSV file")
    parser.add_argument("--only", help="settings whose names hold this")
    parser.add_argument("--shipped", action="store_true", help="add the studies that ship, and play nothing")
    parser.add_argument("--again", action="store_true", help="measure what can be known before and the file lacks")
    arguments = parser.parse_args()
    target: Path = arguments.output
    table = pd.read_csv(target) if target.exists() else pd.DataFrame({"setting": pd.Series(dtype=str)})
    if arguments.shipped:
        rows = shipped_rows()
        _keep(pd.concat([table[~table["setting"].isin(rows["setting"])], rows], ignore_index=True), target)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        features_of(folder)
        wanted = {key: each for key, each in settings(folder).items() if (arguments.only or "") in key}
        for key, config in wanted.items():
            played = table["setting"] == key
            if arguments.again and table.reindex(columns=KNOWN)[played].isna().any(axis=None):
                for name, value in again(config, folder / key).items():
                    table.loc[played, name] = value
            elif played.any() or arguments.again:
                continue
            else:
                row = pd.DataFrame([{"setting": key, **run(config, folder / key)}])
                table = pd.concat([table, row], ignore_index=True) if len(table) else row
            _keep(table, target)
            print(f"{len(table)} of {len(wanted)}: {key}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
