"""Parts of the studio that draw in the browser with code of their own."""

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
