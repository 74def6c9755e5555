"""What a score run says: the front of this room for lab.

summary, table, abstain and cell (summary.py) turn a run into figures; compare and compare_all
(comparison.py) set runs against each other; to_csv, to_json and to_html (export.py) write
them down; figures (plots.py) draws them.
"""

from lawui.scoring.comparison import Entry, compare, compare_all
from lawui.scoring.export import to_csv, to_html, to_json
from lawui.scoring.plots import figures
from lawui.scoring.summary import Cell, abstain, cell, summary, table

__all__ = [
    "Cell",
    "Entry",
    "abstain",
    "cell",
    "compare",
    "compare_all",
    "figures",
    "summary",
    "table",
    "to_csv",
    "to_html",
    "to_json",
]
