"""From a study to a decision: a story in six steps."""

from app import story_page

story_page.page()
