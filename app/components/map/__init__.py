"""The map of the pool: a WebGL component that receives geometry once and afterwards only what has changed."""

from app.components.map.component import KEEP, map_event, pool_map
from app.components.map.fallback import fallback_chart
from app.components.map.geometry import resolve
from app.components.map.model import MapColoring, MapEvent, MapLayer, MapPanel, Selection, Sprites

__all__ = [
    "KEEP",
    "MapColoring",
    "MapEvent",
    "MapLayer",
    "MapPanel",
    "Selection",
    "Sprites",
    "fallback_chart",
    "map_event",
    "pool_map",
    "resolve",
]
