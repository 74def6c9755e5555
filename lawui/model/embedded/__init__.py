"""The embedded demo model: its recipe and its weights."""
