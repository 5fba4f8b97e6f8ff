"""How do I tell this? The receipt of a campaign: promised, right, paid, measured, and whether more are worth it.

For people who pay: one screen, and a file that prints.
"""

from __future__ import annotations

from functools import partial

import streamlit as st

from app.export.receipt import html_receipt, table
from app.findings.words import literal
from app.shell import blocks, state
from app.shell.campaigns import Standing
from rad_core.campaign import receipt_words
from rad_core.campaign.receipt import Receipt

# Constant text: nothing from a campaign may ever get into it.
_STYLE = """<style>
[data-testid="stMainBlockContainer"] { padding: 0.7rem 1.2rem 0.5rem; max-width: none; }
[data-testid="stMainBlockContainer"] > [data-testid="stVerticalBlock"] { gap: 0.6rem; }
[data-testid="stMainBlockContainer"] h1 { font-size: 1.5rem; line-height: 1.3; padding: 0 2.6rem 0.4rem 0; }
.st-key-receipt-figures strong { font-size: 1.4rem; line-height: 1.2; font-weight: 600; }
@media (max-width: 768px) {
  [data-testid="stMainBlockContainer"] { padding-top: 3.6rem; }
  [data-testid="stMainBlockContainer"] h1 { padding-right: 0; }
}
</style>"""


def page(standing: Standing) -> None:
    """The receipt, or what it will say."""
    st.html(_STYLE)
    receipt = state.kept("campaign-receipt", standing.key, standing.campaign.receipt)
    blocks.header(
        literal(receipt_words.headline(receipt)),
        literal(f"Receipt of {standing.name}. {receipt_words.ORIGIN}"),
    )
    if not receipt.rounds:
        blocks.empty(
            "The receipt begins with the first round",
            "What was promised in the worst case, how often the teacher is right among the picks, what was paid, what "
            f"it did to accuracy, and whether more is worth it. Paid so far: {literal(receipt_words.paid(receipt))}",
            ":material/receipt_long:",
        )
        return
    _figures(receipt)
    st.dataframe(table(receipt), hide_index=True, key="receipt-table")
    st.markdown(literal(receipt_words.following(receipt)))
    foot = st.container(horizontal=True, vertical_alignment="center")
    foot.download_button(
        "Receipt (HTML)",
        data=partial(html_receipt, receipt),
        file_name=f"{standing.name}-receipt.html",
        mime="text/html",
        key="receipt-html",
        icon=":material/download:",
        on_click="ignore",
        help="One file that opens without a network and prints on a page or two.",
    )
    with st.expander("In full", icon=":material/notes:", key="receipt-words"):
        for title, sentence in receipt_words.sentences(receipt).items():
            st.markdown(f"**{title}.** {literal(sentence)}")


def _figures(receipt: Receipt) -> None:
    with st.container(key="receipt-figures"):
        figures = receipt_words.figures(receipt)
        for place, figure in zip(st.columns(len(figures), gap="small"), figures, strict=True):
            with place.container(border=True, height="stretch", gap="xxsmall"):
                st.caption(literal(figure.name))
                st.markdown(f"**{literal(figure.text)}**")
                if figure.beneath:
                    st.caption(literal(figure.beneath))
