"""What goes with one question: finding it, changing it, and how far to trust the answer."""
