"""The stage: a story step by step on 16:9, with clicker keys. The page Present and the report draw the same one."""
