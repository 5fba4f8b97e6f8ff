"""Parts of the studio that draw in the browser with code of their own."""

import json
from collections.abc import Sequence
from pathlib import Path

# Streamlit sends an element's JavaScript again whenever its data change. So one element of a part, whose data do not,
# brings the whole of it, and the others only hand themselves over to the hub that it opens.
_HAND_OVER = """
export default (component) => {
  const hub = (globalThis.HUB ??= { waiting: [] });
  let end, gone = false;
  const start = () => { if (!gone) end = hub.mount(component); };
  if (hub.mount) start(); else hub.waiting.push(start);
  return () => { gone = true; end?.(); };
};
"""


def hand_over(hub: str) -> str:
    """The JavaScript of an element that leaves everything to the hub of this name, once that is there."""
    return _HAND_OVER.replace("HUB", hub)


def script(folder: Path, names: Sequence[str], style: str | None = None) -> str:
    """One JavaScript module of the files of a folder, in the order in which they lean on each other.

    What all parts share comes first, and the style (CSS) as CSS: with an element, it would travel again with its data.
    """
    files = [Path(__file__).parent / "js" / "common.js", *(folder / f"{name}.js" for name in names)]
    given = [] if style is None else [f"const CSS = {json.dumps(style)};"]
    return "\n".join([*given, *(file.read_text(encoding="utf-8") for file in files)])
