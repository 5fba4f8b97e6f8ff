"""Cards of pool points, drawn in the browser; `app.gallery` says what is on them."""
