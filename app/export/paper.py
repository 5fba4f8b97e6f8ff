"""What a paper says of how a study was made: a paragraph true to its configuration, and the papers it cites."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from app.export.citations import Pen, latex_pen, plain_pen
from app.findings.references import bibtex
from app.palette import strategy_order
from rad_core.config import StudyConfig
from rad_core.errors import InputError
from rad_core.learning.data import parse_spec
from rad_core.learning.teachers import parse_teacher
from rad_core.results import summary
from rad_core.results.words import count, listed
from rad_core.selection.gains import GAINS
from rad_core.selection.strategies import ORACLES, STRATEGIES
from rad_core.store.study import Study

_DATA = {
    "digits": (
        "the 1,797 images of handwritten digits (8 \N{MULTIPLICATION SIGN} 8 pixels) that scikit-learn ships",
        "alpaydin1998optical",
    ),
    "cifar10": ("CIFAR-10", "krizhevsky2009learning"),
    "cifar100": ("CIFAR-100", "krizhevsky2009learning"),
    "svhn": ("SVHN", "netzer2011reading"),
    "fashion_mnist": ("Fashion-MNIST", "xiao2017fashion"),
    "mnist": ("MNIST", "lecun1998gradient"),
}
_NETWORKS = {
    "mlp": ("a network with one hidden layer of 256 units", ""),
    "cnn_tiny": ("a convolutional network of two layers (4 and 8 channels)", ""),
    "cnn": ("a convolutional network of four layers (16 to 64 channels)", ""),
    "resnet8": ("ResNet-8", "he2016deep"),
    "resnet11": ("an 11-layer ResNet (24 to 96 channels)", "he2016deep"),
    "resnet20": ("ResNet-20", "he2016deep"),
    "resnet56": ("ResNet-56", "he2016deep"),
    "mobilenet": ("MobileNetV3-Small", "howard2019searching"),
    "resnet18": ("ResNet-18", "he2016deep"),
    "resnet50": ("ResNet-50", "he2016deep"),
}
_SHIFT = "random shifts of up to an eighth of the side"
_VARIED = {"none": "", "shift": _SHIFT, "crop_flip": f"{_SHIFT} and mirror images"}
_AUGMENTED = {
    **dict.fromkeys(("svhn", "fashion_mnist", "mnist"), _SHIFT),
    **dict.fromkeys(("cifar10", "cifar100"), _VARIED["crop_flip"]),
    "folder": f"{_SHIFT} (and mirror images where they are in color)",
}


@dataclass(frozen=True)
class _Facts:
    """What the paragraph says: the configuration, and what was measured and finished."""

    config: StudyConfig
    strategies: tuple[str, ...]
    seeds: int
    classes: int
    pool: int
    test: int
    teacher: summary.Interval


def methods_paragraph(study: Study) -> str:
    """Markdown: the paragraph in plain words, the same in LaTeX, and the BibTeX entries of what it cites."""
    facts, plain, latex = _facts(study), plain_pen(), latex_pen()
    return (
        f"# Methods\n\n{_paragraph(facts, plain)}\n\n"
        f"## LaTeX (natbib)\n\n```latex\n{_paragraph(facts, latex)}\n```\n\n"
        f"## BibTeX\n\n```bibtex\n{bibtex(plain.cited)}```\n"
    )


def bibliography(study: Study) -> str:
    """A .bib file: the entries, and the paragraph that cites them as a comment before them."""
    pen = latex_pen()
    paragraph = _paragraph(_facts(study), pen)
    return f"% Methods, ready to paste:\n% {paragraph}\n\n{bibtex(pen.cited)}"


# Where a teacher's accuracy is known, and what that is called; of one from outside not on the whole pool.
_RIGHT_ON = {False: ("teacher_accuracy_pool", "the pool"), True: ("teacher_accuracy", "the validation set")}


def _facts(study: Study) -> _Facts:
    config, table = study.config, study.rounds_table()
    done = summary.complete(table, config.rounds)
    if done.empty:
        raise InputError(
            f"Study {study.id} has no strategy that finished all {count(config.rounds, 'round')}, so there is nothing "
            f"to write about; run it on with rad resume {study.id}."
        )
    seeds = sorted(int(seed) for seed in done["seed"].unique())
    metrics = [study.seed_metrics(seed) for seed in seeds]
    return _Facts(
        config,
        tuple(strategy_order(list(done["strategy"]))),
        len(seeds),
        len(metrics[0]["classes"]),
        len(study.seed_array(seeds[0], "pool_ids")),
        len(study.seed_array(seeds[0], "test_ids")),
        summary.share_interval([values[_RIGHT_ON[config.outside][0]] for values in metrics]),
    )


def _paragraph(facts: _Facts, pen: Pen) -> str:
    parts = (_data, _networks, _training, _buying, _rules, _game, _reporting)
    return " ".join(text for text in (part(facts, pen) for part in parts) if text)


def _data(facts: _Facts, pen: Pen) -> str:
    config = facts.config
    name, argument = parse_spec(config.dataset)
    if name in _DATA:
        what, key = _DATA[name]
        data = f"{pen.text(what)}{pen(key)}"
    else:
        data = f"the images in {pen.quote(Path(argument).name)} ({facts.classes:,} classes)"
    planned = f" (of {config.seeds} planned)" if facts.seeds < config.seeds else ""
    return (
        f"We study the distillation of a teacher into a student{pen('hinton2015distilling')} when only part of an "
        f"unlabeled pool can be labeled by the teacher, in the setting of Robust Active Distillation"
        f"{pen('baykal2023robust')}. The data are {data}. For each of {count(facts.seeds, 'seed')}{planned}, they are "
        f"split, stratified by class, into a labeled set of {config.labeled:,}, a validation set of "
        f"{config.validation:,}, an unlabeled pool of {facts.pool:,} and a test set of {facts.test:,} images."
        f"{_shares(config, pen)}"
    )


def _shares(config: StudyConfig, pen: Pen) -> str:
    if not config.class_share:
        return ""
    kind, _, ratio = config.class_share.partition(":")
    if kind == "tail":
        how = f"fall geometrically, by a factor of {ratio} from the first class to the last"
    else:
        how = f"are {' : '.join(config.class_share.split(','))}"
    return pen.text(
        f" In labeled set, validation set and pool the frequencies of the classes {how}; the test set is left as it is."
    )


def _networks(facts: _Facts, pen: Pen) -> str:
    config = facts.config
    kind, argument = parse_teacher(config.teacher)
    student = _network(config.student, pen)
    right = pen.text(_mean(facts.teacher))
    if config.outside:
        who = f"the model {pen.quote(argument.partition('@')[0])}" if kind == "openai" else "a program of our own"
        return (
            f"The teacher is {who}, asked about the points bought and the validation set alone; it is right on {right} "
            f"of {_RIGHT_ON[True][1]}. The student is {student}."
        )
    if kind == "table":
        fixed = f"The teacher is a fixed table of soft labels; it is right on {right} of the pool."
        return f"{fixed} The student is {student}."
    how = ", pretrained on ImageNet and fine-tuned" if kind == "pretrained" else ", trained"
    more = f"{config.teacher_labeled:,} more examples that nobody else sees" if config.teacher_labeled else ""
    examples = f"the labeled set and {more}" if more else "the labeled set alone"
    return (
        f"The teacher is {_network(argument, pen)}{how} on {examples} for "
        f"{config.teacher_steps:,} steps; it is right on {right} of the pool. The student is {student}."
    )


def _network(name: str, pen: Pen) -> str:
    if name not in _NETWORKS:
        return pen.quote(name)
    what, key = _NETWORKS[name]
    return pen.text(what) + (pen(key) if key else "")


def _training(facts: _Facts, pen: Pen) -> str:
    config = facts.config
    name, _ = parse_spec(config.dataset)
    moved = _AUGMENTED.get(name) if config.augmentation == "auto" else _VARIED[config.augmentation]
    softened = "" if config.temperature == 1 else f" at temperature {config.temperature:g}"
    examples = "labeled set and the validation set" if config.learn_from_validation else "labeled set"
    answers = {"soft": f"soft labels{softened}", "hard": "the teacher's likeliest classes"}
    bought = answers.get(config.labels, "classes drawn by the teacher's probabilities")
    return (
        f"After each purchase the student is trained from scratch for {config.student_steps:,} steps of AdamW"
        f"{pen('loshchilov2019decoupled')} on the {examples} (hard labels) and everything bought so far "
        f"({bought}), with batches of {config.batch_size:,}, a peak learning rate of {config.learning_rate:g} "
        f"(linear warm-up over the first tenth of the steps, then cosine decay), weight decay {config.weight_decay:g} "
        f"and {f'{moved} as augmentation' if moved and config.augment else 'no augmentation'}."
    )


def _buying(facts: _Facts, pen: Pen) -> str:
    config = facts.config
    total = config.rounds * config.budget
    each = (
        f"In each of {count(config.rounds, 'round')} every strategy buys"
        if config.rounds > 1
        else "Every strategy buys"
    )
    return (
        f"{each} {config.budget:,} soft labels{f' ({total:,} in all)' if config.rounds > 1 else ''}; within a seed all "
        "strategies share the split, the teacher, the student's initial weights and the training budget."
    )


def _rules(facts: _Facts, pen: Pen) -> str:
    named = []
    for strategy in facts.strategies:
        if strategy not in ORACLES:
            rule = STRATEGIES.get(strategy)
            if rule is None:
                named.append(pen.quote(strategy))
            else:
                named.append(pen.text(rule.phrase or rule.label) + (pen(*rule.cites) if rule.cites else ""))
    text = f"{'We compare' if len(named) > 1 else 'We use'} {listed(named)}."
    if any(strategy in ORACLES for strategy in facts.strategies):
        text += (
            " An oracle that takes the most informative of the points on which the teacher is right serves as an upper "
            "bound."
        )
    return text


def _game(facts: _Facts, pen: Pen) -> str:
    if "rad" not in facts.strategies:
        return ""
    config = facts.config
    if config.teacher_accuracy == "mean":
        level = "the teacher's accuracy on the validation set"
    else:
        level = (
            f"the one-sided {100 * config.confidence:g}% lower confidence bound{pen('clopper1934use')} of the "
            "teacher's accuracy on the validation set"
        )
        level = level.replace("%", pen.text("%"))
    gain = GAINS[config.gain]
    return (
        f"RAD measures how informative a point is by its gain, {pen.text(gain.phrase or gain.label)}, and "
        f"bounds the share of points on which the teacher may be wrong by one minus {level}; from the resulting "
        "inclusion probabilities exactly as many distinct points are drawn as there are labels to buy."
    )


def _reporting(facts: _Facts, pen: Pen) -> str:
    if facts.seeds < summary.FEWEST_SEEDS:
        return f"Results are of {count(facts.seeds, 'seed')}, too few for intervals."
    percent = pen.text("95%")
    return (
        f"We report means over {facts.seeds} seeds with {percent} Student's t intervals; strategies are compared by "
        "differences paired by seed after the last round, and a difference is called one only where Holm's procedure "
        f"over the comparisons rejects at {pen.text('5%')}."
    )


def _mean(interval: summary.Interval) -> str:
    text = f"{100 * interval.mean:.1f}%"
    if interval.n < summary.FEWEST_SEEDS:
        return text
    return f"{text} (95% interval over seeds {100 * interval.low:.1f} to {100 * interval.high:.1f})"
