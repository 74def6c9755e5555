"""The looks: one calm theme, light and dark, with the fonts of the reader's own system.

No font, script or picture comes from elsewhere. Colours meet WCAG AA against their
ground; a test computes it.
"""

from __future__ import annotations

import json
from pathlib import Path

import gradio as gr
from gradio.themes.utils import colors, sizes

from lawui.ui.text import LANGUAGES, say

SANS = (
    "Hiragino Sans",
    "Hiragino Kaku Gothic ProN",
    "Yu Gothic UI",
    "Noto Sans CJK JP",
    "Noto Sans JP",
    "Meiryo",
    "system-ui",
    "sans-serif",
)
MONO = ("SFMono-Regular", "Menlo", "Consolas", "Noto Sans Mono CJK JP", "monospace")

ACCENT = colors.Color(
    name="indigo-dye",
    c50="#eef3fa",
    c100="#dbe6f4",
    c200="#bcd0ea",
    c300="#93b4dc",
    c400="#6592c9",
    c500="#3f73b2",
    c600="#2a5994",
    c700="#234a7b",
    c800="#203f66",
    c900="#1d3555",
    c950="#132238",
)
PAPER = colors.Color(
    name="paper",
    c50="#faf9f6",
    c100="#f4f2ed",
    c200="#e5e2da",
    c300="#cfcbc0",
    c400="#a19c90",
    c500="#736f66",
    c600="#5a574f",
    c700="#45433d",
    c800="#2b2a27",
    c900="#201f1d",
    c950="#171614",
)
TEXT = sizes.Size(
    name="text_ja",
    xxs="12px",
    xs="13px",
    sm="14px",
    md="16px",
    lg="18px",
    xl="22px",
    xxl="28px",
)

FAVICON = Path(__file__).with_name("favicon.svg")
CSS = Path(__file__).with_name("style.css")
SCRIPT = Path(__file__).with_name("script.js")


def theme() -> gr.themes.Base:
    """One accent, warm greys, generous type."""
    base = gr.themes.Base(
        primary_hue=ACCENT,
        secondary_hue=ACCENT,
        neutral_hue=PAPER,
        text_size=TEXT,
        radius_size=sizes.radius_md,
        font=[gr.themes.Font(name) for name in SANS],
        font_mono=[gr.themes.Font(name) for name in MONO],
    )
    return base.set(
        body_background_fill="*neutral_100",
        body_background_fill_dark="*neutral_950",
        body_text_color="*neutral_900",
        body_text_color_dark="*neutral_100",
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_300",
        background_fill_primary="#ffffff",
        background_fill_primary_dark="*neutral_900",
        background_fill_secondary="*neutral_50",
        background_fill_secondary_dark="*neutral_800",
        block_background_fill="transparent",
        block_background_fill_dark="transparent",
        block_border_width="0px",
        block_padding="0px",
        block_shadow="none",
        block_label_text_weight="600",
        block_title_text_weight="600",
        block_title_text_size="*text_sm",
        block_title_text_color="*neutral_700",
        block_title_text_color_dark="*neutral_200",
        block_info_text_color="*neutral_600",
        block_info_text_color_dark="*neutral_300",
        input_background_fill="#ffffff",
        input_background_fill_dark="*neutral_950",
        input_border_color="*neutral_400",
        input_border_color_dark="*neutral_600",
        input_border_width="1px",
        input_text_size="*text_md",
        input_placeholder_color="*neutral_500",
        input_placeholder_color_dark="*neutral_400",
        border_color_primary="*neutral_200",
        border_color_primary_dark="*neutral_700",
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_dark="*primary_600",
        button_primary_background_fill_hover="*primary_700",
        button_primary_background_fill_hover_dark="*primary_500",
        button_primary_text_color="#ffffff",
        button_primary_text_color_dark="#ffffff",
        button_secondary_background_fill="#ffffff",
        button_secondary_background_fill_dark="*neutral_800",
        button_secondary_border_color="*neutral_400",
        button_secondary_border_color_dark="*neutral_600",
        button_secondary_text_color="*neutral_900",
        button_secondary_text_color_dark="*neutral_100",
        button_border_width="1px",
        button_large_text_size="*text_md",
        button_small_text_size="*text_sm",
        link_text_color="*primary_600",
        link_text_color_dark="*primary_300",
        checkbox_label_background_fill="transparent",
        checkbox_label_background_fill_dark="transparent",
        checkbox_background_color_selected="*primary_600",
        checkbox_background_color_selected_dark="*primary_500",
        checkbox_border_color="*neutral_500",
        checkbox_border_color_dark="*neutral_400",
        checkbox_label_text_size="*text_md",
    )


def head(lang: str) -> str:
    """What goes into <head>: the page's language before anything is drawn, the address
    that follows the view (ids only), the keys j and k for the next and the previous
    question, words for the few signs of Gradio's own, and no referrer to linked pages."""
    names = {code: say("page.more_tabs", code) for _, code in LANGUAGES}
    return (
        '<meta name="referrer" content="no-referrer">\n<script>\n'
        f"document.documentElement.lang = {json.dumps(lang)};\n"
        f"const moreTabs = {json.dumps(names)};\n{SCRIPT.read_text('utf-8')}</script>\n"
    )
