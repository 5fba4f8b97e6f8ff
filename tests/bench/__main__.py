"""All benchmarks in one command: `python -m tests.bench [NAMES...] [-o FILE]`."""

from __future__ import annotations

import os

# Before numpy and torch are loaded: what is compared runs on one thread.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"

import argparse  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402
from collections.abc import Callable, Iterator, Sequence  # noqa: E402
from importlib import import_module  # noqa: E402
from pathlib import Path  # noqa: E402

from tests.bench.rows import Row, table  # noqa: E402

TOPICS = {
    "game": "The game",
    "draw": "The draw",
    "stream": "Pools larger than memory",
    "campaign": "Campaigns",
    "diversity": "CoreSet and BADGE",
    "training": "Training",
    "loop": "The whole loop",
    "cluster": "A study on a Ray cluster",
    "images": "Images",
    "maps": "Maps",
    "startup": "Start-up",
    "listing": "Lists of studies",
}
EXAMPLES = """examples:
  python -m tests.bench                      everything, on a quiet machine some eight minutes
  python -m tests.bench game diversity       two topics
  python -m tests.bench --quick              tiny sizes: shows that all of it runs, the numbers mean nothing
  RAD_BENCH_STREAM_ROWS=100000000 python -m tests.bench stream
  RAD_TEST_IMAGES=~/cifar python -m tests.bench images -o images.md
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the rows as they come, write one Markdown document."""
    parser = argparse.ArgumentParser(
        "python -m tests.bench", description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAMES", help=f"topics, of {', '.join(TOPICS)} (default: all)")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="also write the document to this file")
    parser.add_argument("--quick", action="store_true", help="tiny sizes, to try it out")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.names if name not in TOPICS]
    if unknown:
        print(f"Error: there is no benchmark {unknown[0]!r}; choose of {', '.join(TOPICS)}.", file=sys.stderr)
        return 2
    if options.output is not None and not options.output.absolute().parent.is_dir():
        print(f"Error: there is no folder {options.output.parent}; make it or choose another.", file=sys.stderr)
        return 2

    from tests.bench.machine import head

    parts = [f"# Benchmarks\n\n{head()}"]
    print(parts[0], flush=True)
    for name in options.names or TOPICS:
        parts.append(measure(name, options.quick))
    if options.output is not None:
        write(options.output, "\n\n".join(parts) + "\n")
    return 0


def measure(name: str, quick: bool) -> str:
    """Run one topic; returns its section."""
    topic = import_module(f"tests.bench.{name}")
    run: Callable[[bool], Iterator[Row]] = topic.rows
    began, rows = time.perf_counter(), []
    print(f"\n## {TOPICS[name]}\n", flush=True)
    for row in run(quick):
        print(row.line(), flush=True)
        rows.append(row)
    seconds = time.perf_counter() - began
    says = " ".join((topic.rows.__doc__ or "").split())
    return f"## {TOPICS[name]}\n\n{says}\n\n{table(rows)}\n\n{seconds:.0f} s."


def write(path: Path, text: str) -> None:
    """The whole document or nothing."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


if __name__ == "__main__":
    sys.exit(main())
