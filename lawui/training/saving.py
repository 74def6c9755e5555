"""A finished adapter, put in its place file by file with the card last.

Until lawui.json is there, a run's folder is no adapter: a kill at any moment leaves
either no adapter or a whole one.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lawui.model import adapters
from lawui.training import files
from lawui.training.config import to_dict

if TYPE_CHECKING:
    from peft import PeftModel

    from lawui.model.load import LoadedModel
    from lawui.training.runs import RunFile

_FILES = (adapters.WEIGHTS, adapters.CONFIG, "README.md", adapters.CARD)


def save_adapter(
    model: PeftModel,
    run_folder: Path,
    run: RunFile,
    loaded: LoadedModel,
    final_loss: float | None,
    tables: Mapping[str, Any],
    trained_groups: Sequence[str],
) -> None:
    """Write the model's adapter into the run's folder. Raises OSError where the disk does
    not take it; an adapter that the folder held before stays then."""
    from safetensors import SafetensorError

    begun = run.begun
    settings = {**to_dict(run.config), "dataset_sha": run.dataset_sha}
    if begun is not None:
        settings["start_sha"] = begun.weights_sha
    workshop = run_folder / ".adapter"
    shutil.rmtree(workshop, ignore_errors=True)
    temporary = workshop / run_folder.name
    try:
        temporary.mkdir(parents=True)
        # A path of this machine must not travel with the adapter.
        model.peft_config["default"].base_model_name_or_path = loaded.name
        # The default would ask the hub whether the vocabulary grew.
        model.save_pretrained(str(temporary), save_embedding_layers=False)
        adapters.write_card(
            temporary,
            base_model=loaded.name,
            base_sha=loaded.sha,
            trained_groups=trained_groups,
            prompt_sha=loaded.prompt_sha,
            final_loss=final_loss,
            trained_on=run.set,
            settings=settings,
            licence=loaded.licence,
            seed=run.config.seed,
            split=run.split,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            tables=tables,
            begun_from={
                "name": begun.name,
                "weights_sha": begun.weights_sha,
                "sets": list(begun.sets),
            }
            if begun is not None
            else None,
        )
        files.sync_folder(temporary)
        (run_folder / adapters.CARD).unlink(missing_ok=True)
        for name in _FILES:
            (temporary / name).replace(run_folder / name)
        files.sync_folder(run_folder)
    except SafetensorError as error:
        raise OSError(str(error)) from error
    finally:
        shutil.rmtree(workshop, ignore_errors=True)
