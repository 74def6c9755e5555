"""QLoRA runs: configuration, the child process, its event log."""
