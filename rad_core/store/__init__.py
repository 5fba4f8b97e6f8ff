"""Studies on disk: one study, the catalogue, archives, light copies, maps."""
