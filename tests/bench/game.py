"""The max-min game: against sorting alone, against a linear-programming solver, and what memory it takes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import scipy.optimize
import scipy.sparse

from rad_core import solve_game
from tests.bench.measure import gpu_clock, medians, python
from tests.bench.rows import Row

# In a fresh process: the most memory used while a game is solved, beside what was used before, and the input's size.
_MEMORY = """
import re, sys
import numpy as np
from rad_core import solve_game

def peak():  # of this program alone: what getrusage says is inherited from the process that started it
    try:
        return 1024 * int(re.search(r"VmHWM:\\s*(\\d+)", open("/proc/self/status").read()).group(1))
    except FileNotFoundError:
        import resource
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)

n = int(sys.argv[1])
gains = np.random.default_rng(0).random(n, dtype=np.float32)
solve_game(gains[:1000], 10, wrong=200)
before = peak()
solve_game(gains, n // 100, wrong=n // 5)
print((peak() - before) / 1e6, gains.nbytes / 1e6)
"""


def rows(quick: bool) -> Iterator[Row]:
    """Gains are float32 and uniform; k = N / 5."""
    sizes = (20_000, 50_000) if quick else (1_000_000, 10_000_000)
    rng = np.random.default_rng(0)
    for n in sizes:
        yield from _against_sorting(f"{n:,} points", rng.random(n, dtype=np.float32), n // 100)
    gains = np.round(rng.beta(0.5, 2, sizes[-1]), 3).astype(np.float32)
    yield from _against_sorting(f"{sizes[-1]:,} points, many equal gains, half of them bought", gains, sizes[-1] // 2)
    yield _memory(200_000 if quick else 50_000_000)
    yield _against_highs(200 if quick else 10_000)
    yield from _on_gpu(sizes[-1])


def _against_sorting(what: str, gains: np.ndarray, budget: int) -> Iterator[Row]:
    import torch

    tensor = torch.from_numpy(gains)

    def ours() -> object:
        return solve_game(gains, budget, wrong=len(gains) // 5)

    taken = medians({"ours": ours, "sort": lambda: np.cumsum(np.sort(gains))}, repeats=8)
    yield Row(what, taken["ours"], "s", taken["sort"], "np.sort + np.cumsum", at_most=1.5)
    torch_sort = medians({"torch": lambda: torch.sort(tensor)}, repeats=2)["torch"]
    yield Row(what, taken["ours"], "s", torch_sort, "torch.sort")


def _memory(n: int) -> Row:
    grown, size = map(float, python(_MEMORY, str(n)).split())
    return Row(f"{n:,} points, memory beside the input", grown, "MB", size, "the input", at_most=3)


def _against_highs(n: int) -> Row:
    gains = np.random.default_rng(1).random(n)
    budget, wrong = n // 100, n // 5
    ours = medians({"ours": lambda: solve_game(gains, budget, wrong=wrong)}, repeats=20)["ours"]
    values = []
    highs = medians({"highs": lambda: values.append(highs_value(gains, budget, wrong))}, repeats=1)["highs"]
    apart = abs(values[0] - solve_game(gains, budget, wrong=wrong).value) / values[0]
    note = f"the same value to {apart:.0e}"
    return Row(f"{n:,} points", ours, "s", highs, "HiGHS", "times", at_least=1000, note=note)


def highs_value(gains: np.ndarray, budget: int, wrong: int) -> float:
    """The game as a linear program: max of sum q g - k t - sum z with z_i >= q_i g_i - t."""
    n = len(gains)
    eye = scipy.sparse.eye(n)
    solved = scipy.optimize.linprog(
        np.concatenate([-gains, np.ones(n), [wrong]]),
        A_ub=scipy.sparse.hstack([scipy.sparse.diags(gains), -eye, -np.ones((n, 1))]),
        b_ub=np.zeros(n),
        A_eq=np.concatenate([np.ones(n), np.zeros(n + 1)])[None],
        b_eq=[budget],
        bounds=[(0, 1)] * n + [(0, None)] * (n + 1),
        method="highs",
    )
    return -float(solved.fun)


def _on_gpu(n: int) -> Iterator[Row]:
    import torch

    if not torch.cuda.is_available():
        return
    gains = torch.rand(n, device="cuda")
    taken = medians(
        {"ours": lambda: solve_game(gains, n // 100, wrong=n // 5), "sort": lambda: torch.sort(gains)},
        repeats=10,
        clock=gpu_clock,
    )
    yield Row(f"{n:,} points on CUDA", taken["ours"], "s", taken["sort"], "torch.sort on CUDA", at_most=1.3)
