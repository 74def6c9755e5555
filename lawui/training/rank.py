"""One of several processes of a training run: python -m lawui.training.rank RUN_DIR

Started by `accelerate launch` (launch.py). The first writes the run's events, checkpoints
and adapter; the others compute their share of each step and are silent.
"""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path
from typing import Any

from lawui.errors import TrainingError
from lawui.training import child, launch
from lawui.training.events import EventWriter
from lawui.training.parallel import Group, PeerLost
from lawui.training.runs import EVENTS, STOP, read_run
from lawui.types import TrainKind

LOST = 3
"""Exit status where another process is gone: that one's end is the news."""


class _Silent(EventWriter):
    """The log of a process that is not the first."""

    def write(self, kind: TrainKind, **values: Any) -> bool:
        return True


def main(arguments: list[str]) -> int:
    """Train this process's share; 0 done or stopped, 1 failed, 3 a peer was lost."""
    folder = Path(arguments[0])
    launch.die_with_parent()
    if os.getppid() == 1:  # it was gone before the kernel knew
        return LOST
    try:
        _check_cards(int(os.environ["WORLD_SIZE"]))
        peers = Group()
        log = EventWriter(folder / EVENTS) if peers.first else _Silent(folder / EVENTS)
        child.train(folder, read_run(folder), log, (folder / STOP).exists, peers)
        peers.close()
    except PeerLost as lost:
        print(f"a process is gone: {lost}", file=sys.stderr)
        return LOST
    except TrainingError as error:
        launch.leave_word(folder, error)
    except Exception as error:  # the page must hear of what nobody foresaw
        reason = child.short(error)
        launch.leave_word(folder, TrainingError("train.unexpected", reason=reason))
        traceback.print_exc()
    else:
        return 0
    # A tidy end would wait for the others, who wait for this process.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(1)


def _check_cards(processes: int) -> None:
    import torch

    cards = torch.cuda.device_count()
    if 0 < cards < processes:
        raise TrainingError("train.too_few_cards", asked=processes, there=cards)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
