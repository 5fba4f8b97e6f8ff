"""Cards of pool points, drawn in the browser; `app.atlas.cards` says what is on them."""
