"""Finding the article: embedders, lexical search, citations, the Chroma index."""
