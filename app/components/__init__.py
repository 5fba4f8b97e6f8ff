"""Parts of the studio that draw in the browser with code of their own."""
