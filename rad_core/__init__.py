"""The engine of RAD Studio: selection, learning and studies; it knows nothing of any user interface."""
