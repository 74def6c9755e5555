"""The language model: loading, prompts, serving, adapters."""
