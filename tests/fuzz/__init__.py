"""Odd inputs through every named endpoint: python -m tests.fuzz, and a quick part in CI."""
