"""Articles made up for a test."""

from __future__ import annotations

from lawui.types import Article


def article(
    *paragraphs: str,
    number: str = "1",
    law: str = "試験法",
    law_id: str = "000AC0000000001",
    caption: str = "",
    supplementary: bool = False,
) -> Article:
    anchor = f"{'Sp' if supplementary else 'Mp'}-At_{number}"
    return Article(
        law_id=law_id,
        law=law,
        article=number,
        label="",
        caption=caption,
        headings=(),
        anchor=anchor,
        url=f"https://laws.e-gov.go.jp/law/{law_id}#{anchor}",
        asof="2024-12-31",
        paragraphs=paragraphs,
        supplementary=supplementary,
    )
