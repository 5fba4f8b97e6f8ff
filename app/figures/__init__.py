"""Pure functions from arrays and tables to charts: the pages, the report and the slides all draw with these."""

from app.figures.base import PLOTLY_CONFIG, Chart, Theme, plotly_config
from app.figures.compare import label_efficiency_chart, paired_difference_chart
from app.figures.curves import accuracy_curves, round_delta_chart
from app.figures.game import small_game_chart
from app.figures.guarantee import guarantee_by_accuracy
from app.figures.heatmaps import class_heatmap, overlap_heatmap
from app.figures.raster import density_raster
from app.figures.settings import settings_chart
from app.figures.teacher import accuracy_by_decile, calibration_chart
from app.figures.tradeoff import tradeoff_chart

__all__ = [
    "PLOTLY_CONFIG",
    "Chart",
    "Theme",
    "accuracy_by_decile",
    "accuracy_curves",
    "calibration_chart",
    "class_heatmap",
    "density_raster",
    "guarantee_by_accuracy",
    "label_efficiency_chart",
    "overlap_heatmap",
    "paired_difference_chart",
    "plotly_config",
    "round_delta_chart",
    "settings_chart",
    "small_game_chart",
    "tradeoff_chart",
]
