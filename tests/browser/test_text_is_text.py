"""What others wrote stands on every page letter by letter: no link, image, icon, color or formula is made of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from rad_core.text import one_line
from tests.browser import conftest
from tests.browser.conftest import Visits, studios
from tests.helpers.hostile_study import BAIT, ESCAPES, TEXT

pytestmark = pytest.mark.browser

EDGES = (
    "1. first",
    "2) second",
    "- dash",
    "+ plus",
    "> quote",
    "# heading #",
    "=== ",
    "***",
    "---",
    "[ ] box",
    "[x] box",
    "a\\",
    "12:30:45",
    "folder:small",
    "x:red",
    "->",
    "<-",
    "<->",
    "--",
    ">=",
    "<=",
    "~=",
    "| a | b |",
    "|---|---|",
    "[^1]",
    "a^2^ H~2~O ==marked==",
    "HTTPS://EVIL.EXAMPLE/A",
    "WWW.EVIL.EXAMPLE",
    "mailto:me@evil.example",
    "http://127.0.0.1/x",
    "ftp://evil.example",
    "![][1]",
    "<!-- gone -->",
    "<script>alert(1)</script>",
    "&amp;amp;",
    ":color[x]{foreground='red'}",
    ":help[x]",
    ":red-badge[x]",
    ":small[x]",
    ":100: :+1: :-1:",
    "    four spaces",
    "C:\\Users\\me\\photos",
    "Größe · 雪 · می‌خواهم · 👩‍🔬",
    "a_b_c __init__.py *.png",
    "100 % of $5 and $6",
    'it\'s "x"',
)
TEXTS = (*BAIT, *EDGES, ESCAPES, TEXT, TEXT[::-1])

SCRIPT = """
import streamlit as st
from app.findings.words import literal
from tests.browser.test_text_is_text import TEXTS
ways = {
    "markdown": st.markdown, "bold": lambda t: st.markdown(f"**{t}** after"), "caption": st.caption,
    "colored": lambda t: st.markdown(f":red[{t}] after"), "subheader": lambda t: st.subheader(t, anchor=False),
    "title": lambda t: st.title(t, anchor=False), "h4": lambda t: st.markdown(f"#### {t}"),
    "note": lambda t: st.info(f"{t}  \\n{t}"), "error": st.error, "checkbox": lambda t: st.checkbox(f"**{t}**"),
    "button": st.button, "progress": lambda t: st.progress(0.5, text=t), "metric": lambda t: st.metric(t, t, t),
    "pills": lambda t: st.pills("x", ["a"], format_func=lambda _: t, key=t),
    "segments": lambda t: st.segmented_control("x", ["a"], format_func=lambda _: t, key=f"s{t}"),
    "expander": lambda t: st.expander(t).write(""), "popover": lambda t: st.popover(t).write(""),
    "number": lambda t: st.number_input(t, key=f"n{t}"), "slider": lambda t: st.slider(t, key=f"l{t}"),
}
for way in st.query_params["ways"].split(","):
    for number, text in enumerate(TEXTS):
        with st.container(key=f"{way}-{number}"):
            ways[way](literal(text))
"""
MADE = (
    "a:not([href^='#']), img, svg image, video, audio, iframe, script, pre, code, del, em, i, b, table, ul, ol, li, "
    "blockquote, hr, sup, sub, mark, .katex, [role=img], [class*=stMarkdownColored], [class*=Badge], [class*=Shimmer]"
)
SEEN = """([ways, count, made]) => ways.flatMap(way => [...Array(count).keys()].map(number => {
  const box = document.querySelector(`.st-key-${way}-${number}`);
  const own = way === "colored" ? box.querySelector("[class*=stMarkdownColored]") : box;
  return {way, number, text: box.innerText, tags: [...own.querySelectorAll(made)].map(e => e.outerHTML.slice(0, 200))};
}))"""


def seen(text: str) -> str:
    """A text as it looks: without what is invisible, white space as HTML has it."""
    return " ".join(text.replace("\N{WORD JOINER}", "").split())


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server of SCRIPT."""
    folder = tmp_path_factory.mktemp("texts")
    (folder / "texts.py").write_text(SCRIPT)
    with pytest.MonkeyPatch.context() as patch, studios(folder) as start:
        patch.setattr(conftest, "MAIN", folder / "texts.py")
        yield start(folder / "store")


@pytest.mark.parametrize(
    "ways",
    [
        "markdown,bold,caption,colored,note,error,h4",
        "subheader,title,metric,progress,expander,popover",
        "checkbox,button,pills,segments,number,slider",
    ],
)
def test_a_text_looks_as_it_was_written(ways: str, url: str, visit: Visits) -> None:
    page = visit(f"{url}?ways={ways}")
    boxes = page.evaluate(SEEN, [ways.split(","), len(TEXTS), MADE])
    assert len(boxes) == len(TEXTS) * len(ways.split(","))
    for box in boxes:
        assert seen(one_line(TEXTS[box["number"]])) in seen(box["text"]), box
        assert not box["tags"], box
