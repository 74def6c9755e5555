"""A visit: what one reader was shown, answer by answer, to be taken home in one file.

record   an answer as plain values, and the visits of one home
words    what the files say, in both languages
text     one answer as text, citations in legal form
html     a visit as one HTML file
word     a visit as a Word document
"""

from __future__ import annotations

from lawui.readers.visits.record import Visits, entry

__all__ = ["Visits", "entry"]
