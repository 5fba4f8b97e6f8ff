"""The same loop with baal, as its documentation writes it."""

from __future__ import annotations

import logging
import warnings

import numpy as np
import structlog
import torch
from baal import ModelWrapper
from baal.active import ActiveLearningDataset
from baal.active.heuristics import Margin
from baal.modelwrapper import TrainingArgs
from torch import nn
from torch.utils.data import TensorDataset

from tests.bench import plain
from tests.bench.loop import BATCH, Task, accuracy_of

structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))


class Logits(nn.Module):
    """The network of a task without its features."""

    def __init__(self, task: Task) -> None:
        super().__init__()
        self.network = task.network().to(memory_format=torch.channels_last)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n, 1, 8, 8) -> (n, 10)"""
        return self.network(x)[0]


def loop(task: Task) -> float:
    """Epochs come in such numbers that the steps are as many as everywhere else."""
    images, truth = task.images, torch.from_numpy(task.labels)
    rows = np.concatenate([task.split.labeled, task.split.pool])
    dataset = ActiveLearningDataset(TensorDataset(images[rows], truth[rows]))
    dataset.label(list(range(len(task.split.labeled))))
    wrapper = _trained(task, dataset)
    for _ in range(task.config.rounds):
        predictions = wrapper.predict_on_dataset(dataset.pool, iterations=1, verbose=False)
        dataset.label(Margin()(predictions)[: task.config.budget])
        wrapper = _trained(task, dataset)
    test = wrapper.predict_on_dataset(
        TensorDataset(images[task.split.test], truth[task.split.test]), iterations=1, verbose=False
    )
    return accuracy_of(test[..., 0], task)


def _trained(task: Task, dataset: ActiveLearningDataset) -> ModelWrapper:
    network, steps = Logits(task), task.config.student_steps
    torch.manual_seed(task.seed)
    optimizer = torch.optim.AdamW(network.parameters(), lr=3e-3, weight_decay=1e-3, fused=True)
    done = 0

    def scheduled(optimizer: torch.optim.Optimizer, *_: object) -> None:
        nonlocal done
        for group in optimizer.param_groups:
            group["lr"] = 3e-3 * plain.share(done, steps)
        done += 1

    optimizer.register_step_pre_hook(scheduled)
    epochs = steps * BATCH // len(dataset)
    arguments = TrainingArgs(
        optimizer=optimizer, batch_size=BATCH, epoch=epochs, use_cuda=False, workers=0, criterion=nn.CrossEntropyLoss()
    )
    wrapper = ModelWrapper(network, arguments)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wrapper.train_on_dataset(dataset)
    assert done == steps, f"baal took {done} steps where {steps} were wanted"
    wrapper.eval()
    return wrapper
