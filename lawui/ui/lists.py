"""Lists whose lines come and go while somebody looks at them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr


class Blocks(gr.Blocks):
    """Gradio's page, to which a line that is no longer in its list is not chosen.

    The server may have told a page of other lines when it sends what it still shows. Gradio
    refuses that: with a traceback in the log, and the reader's press is lost.
    """

    async def preprocess_data(
        self, block_fn: Any, inputs: list[Any], state: Any, explicit_call: bool = False
    ) -> list[Any]:
        if block_fn.api_visibility != "private":
            # An endpoint that programs call refuses what is not in its list.
            return list(await super().preprocess_data(block_fn, inputs, state, explicit_call))
        while True:
            given = self._there(block_fn, inputs, state)
            try:
                return list(await super().preprocess_data(block_fn, given, state, explicit_call))
            except gr.Error:
                # Another event may have drawn a list anew meanwhile.
                if self._there(block_fn, given, state) == given:
                    raise

    @staticmethod
    def _there(block_fn: Any, inputs: list[Any], state: Any) -> list[Any]:
        """`inputs` without the lines that are not in their lists now."""
        given = list(inputs)
        for i, component in enumerate(block_fn.inputs):
            there = state is not None and component._id in state
            now = state[component._id] if there else component
            if isinstance(now, (gr.Dropdown, gr.CheckboxGroup)):
                given[i] = still_there(given[i], [key for _, key in now.choices or ()])
        return given


def still_there(value: Any, keys: Sequence[Any]) -> Any:
    """What of a choice (one, or a list of several) is among `keys`."""
    if isinstance(value, list):
        return [one for one in value if one in keys]
    return value if value in keys else None
