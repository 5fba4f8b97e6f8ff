"""The receipt of a campaign as one HTML file without a script: opens without a network, prints on two pages at most."""

from __future__ import annotations

from html import escape

import pandas as pd

from app.export.html import cover, document, foot, table_of
from rad_core.campaign import receipt_words
from rad_core.campaign.receipt import Receipt


def html_receipt(receipt: Receipt) -> bytes:
    """The receipt as a file of some 10 kB."""
    name = receipt.status.name
    figures = receipt_words.figures(receipt) if receipt.rounds else []
    parts = "".join(
        f'<section class="step"><h2>{escape(title)}</h2>\n<p>{escape(sentence)}</p></section>\n'
        for title, sentence in receipt_words.sentences(receipt).items()
    )
    rounds = f'<div class="shown">{table_of(table(receipt))}</div>\n' if receipt.rounds else ""
    body = "".join(
        [
            cover(receipt_words.headline(receipt), f"Receipt of {name}", {each.name: each.text for each in figures}),
            f'<main class="receipt">\n{rounds}{parts}</main>\n',
            foot(f"{receipt_words.ORIGIN} rad verify {name} makes every draw and every sum again."),
        ]
    )
    return document(f"Receipt of {name}", body)


def table(receipt: Receipt) -> pd.DataFrame:
    """A row of texts for each round."""
    return pd.DataFrame(receipt_words.rows(receipt), columns=list(receipt_words.COLUMNS))
