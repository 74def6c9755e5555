"""The sample: a made-up ordinance and four-choice questions on it (see README.md)."""
