"""Scores questions 0 to N-1 with a deterministic answerer, in a process that tests kill.

    python score_child.py FOLDER TOTAL RUN|"" SECONDS_A_BATCH [BYTES]

Without RUN a run is created; its name goes to standard output first. With BYTES no file may
grow beyond that size, as on a full disk.
"""

from __future__ import annotations

import resource
import sys
import time
from pathlib import Path

from scoring_samples import answer_by_hash, make_prompts, make_question

from lawui.errors import LabError
from lawui.scoring.run import ScoreStore, score
from lawui.types import Answer, Prompt


def main(folder: str, total: str, run: str, pause: str, limit: str = "") -> int:
    store = ScoreStore(Path(folder))
    questions = [make_question(i) for i in range(int(total))]
    run = run or store.create("base", "none", "set", "d", "m", total=len(questions)).id
    print(run, flush=True)

    def answer(prompts: list[Prompt]) -> list[Answer]:
        time.sleep(float(pause))
        return answer_by_hash(prompts)

    if limit:
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), resource.RLIM_INFINITY))
    try:
        score(store, run, questions, make_prompts, answer, batch=3)
    except LabError as error:
        print(error.key, flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
