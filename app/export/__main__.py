"""The program behind `rad export ID --to FILE`: the engine may not know the studio, and runs it as a program.

Its one argument is a JSON object: store, id, to, force, and under settings what differs from the stored presentation.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import attrs

from app.export import FORMATS
from app.present.settings import StorySettings, usable_settings
from rad_core import files, partials
from rad_core.errors import InputError, RadError
from rad_core.store.catalogue import open_study
from rad_core.store.study import Study
from rad_core.text import one_line


def export(study: Study, target: Path, changes: dict[str, Any], *, force: bool = False) -> None:
    """Write one export of a study, whole or not at all; its ending says which."""
    if target.exists() and not force:
        raise InputError(f"{target} is there already; give another file with --to, or replace it with --force.")
    partials.sweep_files(target.parent)
    settings, why_not = usable_settings(study)
    if why_not:
        print(f"Warning: {one_line(why_not)}", file=sys.stderr)
    content = FORMATS[target.suffix.lower()].make(study, changed(settings, changes))
    with files.writing(target, "--to FILE"):
        files.replace(target, lambda file: file.write(content))  # type: ignore[arg-type]


def changed(stored: StorySettings, changes: dict[str, Any]) -> StorySettings:
    """The stored settings with some others. A target takes the place of a budget, and the other way round."""
    if "target" in changes and "budget" not in changes:
        changes = {"budget": None, **changes}
    if "budget" in changes and "target" not in changes:
        changes = {"target": None, **changes}
    return attrs.evolve(stored, **changes)


def main() -> None:
    """Entry point."""
    asked = json.loads(sys.argv[1])
    target = Path(asked["to"])
    try:
        export(open_study(Path(asked["store"]), asked["id"]), target, asked["settings"], force=asked["force"])
    except RadError as error:
        print(f"Error: {one_line(error)}", file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)
    size = target.stat().st_size
    print(f"{one_line(target)} ({f'{size / 1e6:.1f} MB' if size >= 1e5 else f'{size / 1e3:.1f} kB'})")


if __name__ == "__main__":
    main()
