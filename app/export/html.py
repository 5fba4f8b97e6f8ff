"""A story as one HTML file: opens without a network, figures that can be explored, the stage, prints on paper."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cache
from html import escape
from importlib.metadata import version
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import pandas as pd

from app.components.stage import assets
from app.export import stamp
from app.export.stage import scenes
from app.export.tables import as_text, numeric
from app.figures import PLOTLY_CONFIG, Chart
from app.figures.raster import address_of

if TYPE_CHECKING:
    from app.present.model import Step, Story

MOST_ROWS = 400


def html_report(story: Story, dark: Story | None = None) -> bytes:
    """The story as one HTML file of about 5 MB.

    dark: the same story with figures for dark paper, shown to readers whose system is dark; printed in light always.
    """
    scripts = [_plotly(), f'(() => {{\n"use strict";\n{assets.script()}\n{_asset("report.js")}}})();']
    figures = json_for_html(_figures(story, dark))
    body = "".join(
        [
            _BAR,
            cover(story.title, story.subtitle, story.facts, _NO_SCRIPT),
            "<main>\n",
            *(_step(step, number, _first_figure(story, number)) for number, step in enumerate(story.steps)),
            "</main>\n",
            foot(story.provenance),
            f'<script type="application/json" id="figures">{figures}</script>\n',
            *(f"<script>{script}</script>\n" for script in scripts),
        ]
    )
    return document(story.title, body, scripts)


def document(title: str, body: str, scripts: Sequence[str] = ()) -> bytes:
    """A whole file of HTML in the style of a report, of which nothing is loaded from anywhere.

    body: HTML, in which these scripts stand and no others run.
    """
    head = (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_policy(scripts)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_asset('report.css')}</style>\n</head>\n<body>\n"
    )
    return f"{head}{body}</body>\n</html>\n".encode()


def json_for_html(value: object) -> str:
    """JSON that no text in it can end the script element around it."""
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _policy(scripts: Sequence[str]) -> str:
    """Only these scripts run, and nothing at all is loaded from anywhere."""
    hashes = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" for text in scripts
    )
    allowed = hashes or "'none'"
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )


@cache
def _plotly() -> str:
    from plotly.offline import get_plotlyjs

    return get_plotlyjs()


@cache
def _asset(name: str) -> str:
    return files("app.export").joinpath(name).read_text(encoding="utf-8")


def _figures(story: Story, dark: Story | None) -> dict[str, Any]:
    light = [_figure(chart) for step in story.steps for chart in step.charts]
    other = [_figure(chart) for step in dark.steps for chart in step.charts] if dark else [None] * len(light)
    figures = [
        {"light": bright, **({"dark": dim} if dim is not None else {})}
        for bright, dim in zip(light, other, strict=True)
    ]
    shown = {"light": scenes(story), "dark": scenes(dark, dark=True) if dark else None, "style": assets.style()}
    return {"config": {**PLOTLY_CONFIG, "responsive": False}, "figures": figures, "stage": shown}


def _figure(chart: Chart) -> dict[str, Any]:
    spec = json.loads(chart.figure.to_json())
    return {"data": spec["data"], "layout": {"height": 480, **spec["layout"]}}


def _first_figure(story: Story, number: int) -> int:
    return sum(len(step.charts) for step in story.steps[:number])


# --- parts of the page ------------------------------------------------------------------------------------------------

_BAR = (
    '<nav class="bar" aria-label="Report">'
    '<button data-do="stage" title="S starts and ends it; arrow keys and clickers move, B makes it black">Present'
    '</button><button data-do="print">Print</button></nav>\n'
)


_NO_SCRIPT = (
    "<noscript><p>The figures need JavaScript; the sentences and the tables of numbers do not.</p></noscript>\n"
)


def cover(title: str, subtitle: str, facts: Mapping[str, str], more: str = "") -> str:
    """The head of a report: texts, and further HTML."""
    items = "".join(f"<li>{escape(name)} <b>{escape(value)}</b></li>" for name, value in facts.items())
    return (
        f'<header class="cover" tabindex="-1">\n<h1>{escape(title)}</h1>\n'
        f'<p class="subtitle">{escape(subtitle)}</p>\n<ul class="facts">{items}</ul>\n{more}</header>\n'
    )


def _step(step: Step, number: int, first: int) -> str:
    words = "".join(f"<p>{escape(sentence)}</p>" for sentence in step.sentences)
    if step.note:
        words += f'<aside class="note">{escape(step.note)}</aside>'
    parts = [
        f'<section class="step" id="step-{number + 1}" tabindex="-1" '
        f'aria-labelledby="title-{number + 1}">\n'
        f'<h2 id="title-{number + 1}"><span class="number">{number + 1}</span>{escape(step.title)}</h2>\n'
        f'<div class="words">{words}</div>\n<div class="charts">\n',
        *(_chart(chart, first + i) for i, chart in enumerate(step.charts)),
    ]
    if step.picture is not None:
        parts.append(
            f'<figure class="picture"><img src="{address_of(step.picture)}" alt="{escape(step.picture_alt)}">'
            "</figure>\n"
        )
    if step.table is not None:
        parts.append(f'<div class="shown">{table_of(step.table)}</div>\n')
    return "".join([*parts, "</div>\n</section>\n"])


def _chart(chart: Chart, number: int) -> str:
    layout = chart.figure.layout
    height = layout.height or 480
    return (
        f"<figure><figcaption>{escape(chart.title)}</figcaption>\n"
        f'<div class="frame"><div class="chart" data-figure="{number}" role="img" aria-label="{escape(chart.alt)}" '
        f'style="height:{height:g}px"></div></div>\n'
        f'<details><summary>Numbers behind this chart</summary><div class="scroll">{table_of(chart.table)}</div>'
        "</details></figure>\n"
    )


def table_of(table: pd.DataFrame) -> str:
    """The first MOST_ROWS rows of a table."""
    shown = table.head(MOST_ROWS)
    kinds = ["" if is_number else ' class="text"' for is_number in numeric(shown)]
    texts = as_text(shown)
    head = "".join(
        f'<th scope="col"{kind}>{escape(name)}</th>' for name, kind in zip(texts.columns, kinds, strict=True)
    )
    rows = "".join(
        "<tr>" + "".join(f"<td{kind}>{escape(text)}</td>" for text, kind in zip(row, kinds, strict=True)) + "</tr>"
        for row in texts.to_numpy()
    )
    rest = f"<p>The first {MOST_ROWS:,} of {len(table):,} rows.</p>" if len(table) > MOST_ROWS else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>{rest}"


def foot(provenance: str) -> str:
    """The foot of a report: where its numbers come from, and when it was made."""
    made = f"Made with RAD Studio {version('rad-studio')} on {stamp.words(stamp.moment())}."
    promise = "This file needs no network and sends nothing."
    return f"<footer><p>{escape(provenance)}</p>\n<p>{escape(made)} {promise}</p></footer>\n"
