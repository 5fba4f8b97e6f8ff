"""Parts of the studio that draw in the browser with code of their own."""

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


def script(folder: Path, names: Sequence[str]) -> str:
    """One JavaScript module of the files of a folder, in the order in which they lean on each other.

    What all parts share comes first.
    """
    files = [Path(__file__).parent / "js" / "common.js", *(folder / f"{name}.js" for name in names)]
    return "\n".join(file.read_text(encoding="utf-8") for file in files)
