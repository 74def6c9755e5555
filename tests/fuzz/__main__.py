"""python -m tests.fuzz [--count 10000] [--seed 1]: the whole of it, with what it found."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

from lawui.readers.people import People
from lawui.ui import access
from tests.fuzz.run import paths, send
from tests.serving import opened


def main() -> int:
    """1 where anything was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        home.mkdir()
        with opened(home, People(who=access.who, a_minute={})) as house:
            found = send(house, arguments.count, arguments.seed)
            escaped = paths(house, Path(folder) / "outside.txt")
            beside = sorted(p.name for p in Path(folder).iterdir())
    told = {
        "sent": found.sent,
        "answered": found.answered,
        "refused": found.refused.total(),
        "kinds_of_refusal": len(found.refused),
        "faults": len(found.faults),
        "escaped": escaped,
        "beside_the_home": beside,
        "seconds": round(time.monotonic() - begun, 1),
    }
    for fault in found.faults[:40]:
        print(fault, file=sys.stderr)
    print(json.dumps(told, ensure_ascii=False))
    return int(bool(found.faults or escaped or beside != ["home", "outside.txt"]))


if __name__ == "__main__":
    sys.exit(main())
