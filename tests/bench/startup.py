"""How long the first answer takes: importing the package, and the help of the command line."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from functools import partial

from tests.bench.measure import children_clock, medians, python
from tests.bench.rows import Row

STATEMENTS = {
    "python -c pass": "pass",
    "import numpy": "import numpy",
    "import rad_core": "import rad_core",
    "from rad_core import select, solve_game": "from rad_core import select, solve_game",
}
HELP = {"rad --help": ("--help",), "rad run --help": ("run", "--help")}


def rows(quick: bool) -> Iterator[Row]:
    """CPU seconds of a whole fresh process."""
    commands = {name: [sys.executable, "-c", code] for name, code in STATEMENTS.items()}
    commands |= {name: [sys.executable, "-m", "rad_core.cli", *arguments] for name, arguments in HELP.items()}
    taken = medians(
        {name: partial(_run, command) for name, command in commands.items()},
        repeats=1 if quick else 9,
        clock=children_clock,
    )
    for name in list(commands)[2:]:
        for named in ("python -c pass", "import numpy"):
            yield Row(name, taken[name], "s", taken[named], named)
    torch_free = python("import sys, rad_core.cli; from rad_core import select; print('torch' in sys.modules)")
    yield Row("times that they import torch", float(torch_free.strip() == "True"), "", 0.0, "never", "difference", 0.0)


def _run(command: list[str]) -> None:
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
