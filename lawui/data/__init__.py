"""Questions and statutes: reading, grouping, splitting, fetching."""
