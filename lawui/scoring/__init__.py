"""Batch scores: runs, statistics, baselines, reports."""
