"""What takes longer than a page may: done by a process of its own. No Streamlit in here."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from rad_core.errors import retold

_FRAME = """
import sys
from pathlib import Path
import numpy as np
from rad_core.errors import RadError
try:
    {body}
except RadError as error:
    print(f"Error: {{error}}", file=sys.stderr)
    sys.exit(error.exit_code)
"""


def run(program: str, *paths: Path) -> None:
    """Run lines of Python, which find numpy as np, Path, and the paths as sys.argv[1:].

    Raises the error that they end with, one of RadError; a WorkerError where the process dies.
    """
    code = _FRAME.format(body=program.strip().replace("\n", "\n    "))
    command = [sys.executable, "-P", "-c", code, *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True)  # noqa: S603 - our own programs
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["A process of the studio died."]
        raise retold(done.returncode, lines[-1].removeprefix("Error: "))
