"""lawui: a lab for four-choice questions on Japanese statutes."""

__version__ = "0.1.0"
