"""The map of the pool: a WebGL component that receives geometry once and afterwards only what has changed.

What it is given, and what stands in for it on paper. No Streamlit in here; what draws it on a page is in `component`.
"""

from app.components.map.fallback import fallback_chart
from app.components.map.geometry import difference, peaks, quantize, resolve
from app.components.map.model import Difference, MapColoring, MapEvent, MapLayer, Selection

__all__ = [
    "Difference",
    "MapColoring",
    "MapEvent",
    "MapLayer",
    "Selection",
    "difference",
    "fallback_chart",
    "peaks",
    "quantize",
    "resolve",
]
