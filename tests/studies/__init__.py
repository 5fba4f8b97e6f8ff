"""Studies of studies: what the choices behind a result change."""
