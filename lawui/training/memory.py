"""What this process holds of a device, and the signs that it wanted more."""

from __future__ import annotations


def held(device: str) -> int:
    """Bytes that this process holds on `device` now."""
    if device.startswith("cuda"):
        import torch

        return int(torch.cuda.memory_allocated(device))
    import psutil

    return int(psutil.Process().memory_info().rss)


def most(device: str) -> int:
    """Bytes that this process holds on `device`; on CUDA the most it has held so far."""
    if device.startswith("cuda"):
        import torch

        return int(torch.cuda.max_memory_allocated(device))
    return held(device)


def ran_out(error: BaseException) -> bool:
    """Whether `error` says that memory ran out, in the words of any of the libraries."""
    import torch

    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    words = str(error).lower()
    return any(sign in words for sign in ("out of memory", "can't allocate memory", "bad_alloc"))
