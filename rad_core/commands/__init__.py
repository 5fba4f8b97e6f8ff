"""The commands of `rad`, one module each, with a `command` in it; modules import what is heavy only when they run."""
