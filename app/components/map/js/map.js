// The map: a pool of points and the picks of one or two rules on it, drawn with WebGL 2.
//
// Streamlit calls the default export for every element of a map. Those whose data are bytes only bring something in
// (points, colors, layers, thumbnails); the one whose data are JSON is the map that is seen. They meet in one hub per
// page, by digest, so that a rerun sends only what has changed. See wire.py for the other side.

const hub = (globalThis.radStudioMap ??= { waiting: [] });
hub.blobs ??= new Map(); // digest -> what was brought in
hub.held ??= new Map(); // element -> { digest, turn }
hub.views ??= new Map(); // key of the map -> View
hub.cameras ??= new Map(); // key of the map -> where the user was looking, for when the page comes back
hub.turn ??= 0;

export default mount;

function mount(component) {
  return component.data instanceof Uint8Array ? bring(component) : showView(hub, component, CSS, ({ key }) => new View(key));
}

function bring({ key, data }) {
  const turn = ++hub.turn;
  const blob = unpack(data);
  const before = hub.held.get(key);
  hub.held.set(key, { digest: blob.digest, turn });
  if (before && before.digest !== blob.digest) forget(before.digest);
  if (!hub.blobs.has(blob.digest)) {
    hub.blobs.set(blob.digest, blob);
    hub.views.forEach((view) => view.refresh());
  }
  return () => {
    if (hub.held.get(key)?.turn !== turn) return; // a later call of the same element has taken over
    hub.held.delete(key);
    forget(blob.digest);
  };
}

function forget(digest) {
  if (![...hub.held.values()].some((held) => held.digest === digest)) hub.blobs.delete(digest);
}

openHub(hub, mount);
