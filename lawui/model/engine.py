"""A base made ready to serve: the fastest way of computing that gives the same numbers.

Five things are decided once, when the base comes into memory, and none changes an answer
beyond TOLERANCE (letters.py):

    weights     `plain` where memory holds the unpacked 4-bit weights, else `packed4`
    attention   `varlen` (flash kernel), `slices`, or `single` (prompt by prompt) for
                architectures whose attention is not transformers' own; whatever is faster
                is first tried on a few tokens and must agree with a plain forward pass
    shortened   with `slices`, whether the last layer is computed only where a prompt ends
                (ending.py); it has not been tried with the flash kernel
    fused       whether the steps between products take fewer passes (fuse.py): compiled on
                CUDA, where nobody else wants the device
    graphs      on CUDA, whether small batches replay a recorded graph (graphs.py)
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from lawui.model import dequantize, fuse, lora, packed
from lawui.model.ending import Ending
from lawui.model.lora import Lora, Span
from lawui.model.packed import Group, Layout

if TYPE_CHECKING:
    import torch

    from lawui.model.load import LoadedModel

Tokens = Sequence[int]

_AGREES = 0.1
"""Largest difference of a state from a plain pass, relative to the state's size: in
bfloat16 about .02 is usual, and a wrong mask gives 1."""


class Engine:
    """Computes states and letters of one base. One thread at a time.

    With `spare`, no more memory is taken than the base itself needs: another process wants
    the device; without `fused` the steps between products stay as they are.
    """

    def __init__(self, loaded: LoadedModel, *, spare: bool = False, fused: bool = True) -> None:
        self.loaded = loaded
        self.spare = spare
        self.weights = self._unpack()
        decoder = loaded.model.get_decoder()
        self._decoder = decoder
        self._head: Any = loaded.model.get_output_embeddings()
        self._four = self._head.weight[list(loaded.letter_ids)].float()  # (4, hidden)
        self.rows = lora.Rows(decoder, _prefix(loaded.model, decoder))
        self._undo: Callable[[], None] | None = None
        self.shortened = False
        self._choose(fused)
        self._graphs: Any = None
        if loaded.device.startswith("cuda") and self.attention == "varlen" and not spare:
            from lawui.model.graphs import Graphs

            self._graphs = Graphs(self)

    @property
    def fused(self) -> bool:
        """Whether the steps between matrix products take fewer passes over memory."""
        return self._undo is not None

    @property
    def graphs(self) -> bool:
        """Whether small batches replay a recorded graph."""
        return self._graphs is not None and self._graphs.usable

    def read_adapter(self, info: Any) -> Lora:
        """The weights of an adapter for this base. Raises AdapterError."""
        return lora.read(info, self.rows.layers, self.loaded.dtype, self.loaded.device)

    def compute(
        self,
        groups: Sequence[Group],
        prompts: Sequence[Tokens],
        adapters: Sequence[Lora | None],
    ) -> tuple[torch.Tensor, torch.Tensor, Layout]:
        """One batch: (prompts, 4) probabilities and (prompts,) letter masses, on the device,
        in the order of the layout's `rows`.

        `adapters` has one entry a prompt; the prompts of a group share theirs, and groups
        of one adapter should lie together.
        """
        import torch

        with torch.inference_mode():
            if self.attention == "single":
                groups = [Group((row,), 0) for group in groups for row in group.rows]
            layout = self._lay_out(groups, prompts)
            spans = _spans([adapters[group.rows[0]] for group in groups], layout.bounds)
            if self._graphs is not None and self._graphs.takes(layout, spans):
                return *self._graphs.run(layout, spans), layout
            return *self.letters(self.states(layout, spans)), layout

    def states(self, layout: Layout, spans: Sequence[Span]) -> torch.Tensor:
        """(prompts, hidden): the last layer's state at each prompt's last token."""
        if self.attention == "single":
            return self._states_one_by_one(layout, spans)
        with self._applied(spans):
            hidden = self._decoder(
                input_ids=layout.ids,
                position_ids=layout.positions,
                # Given as a mapping, masks are taken as they are: none is made.
                attention_mask=dict.fromkeys(("full_attention", "sliding_attention")),
                use_cache=False,
                layout=layout,
            ).last_hidden_state  # (1, tokens, hidden)
        return hidden[0, layout.last]

    def _states_one_by_one(self, layout: Layout, spans: Sequence[Span]) -> torch.Tensor:
        """The same for architectures that know nothing of a layout."""
        import torch

        found = []
        for start, end in zip(layout.bounds, layout.bounds[1:], strict=False):
            mine = [Span(0, end - start, s.lora) for s in spans if s.start <= start < s.end]
            with self._applied(mine):
                ids = layout.ids[:, start:end]
                found.append(self._decoder(input_ids=ids, use_cache=False).last_hidden_state[0, -1])
        return torch.stack(found)

    def letters(self, hidden: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(prompts, hidden) -> (prompts, 4) probabilities that sum to 1, and their mass.

        The four logits are computed in float32: in bfloat16 alone, rounding them would
        move a probability by up to .015.
        """
        letters = hidden.float() @ self._four.T
        everything = self._head(hidden).float().logsumexp(dim=1)
        mass = (letters.logsumexp(dim=1) - everything).exp().clamp(max=1.0)
        return letters.softmax(dim=1), mass

    @contextlib.contextmanager
    def applied(self, adapter: Lora | None) -> Iterator[None]:
        """The base as the library itself computes it, with one adapter on every row: for
        text, which is written token by token."""
        with self._applied([Span(0, sys.maxsize, adapter)] if adapter else ()):
            yield

    def free(self) -> None:
        """Let go of the base and of what was recorded. Nothing is computed any more."""
        self._graphs = None
        self._unfuse()
        self._decoder = self._head = self._four = None  # type: ignore[assignment]

    @contextlib.contextmanager
    def _applied(self, spans: Sequence[Span]) -> Iterator[None]:
        self.rows.spans = spans
        try:
            yield
        finally:
            self.rows.spans = ()

    def _unpack(self) -> str:
        """Unpack the 4-bit weights where a good part of the memory stays free."""
        model: Any = self.loaded.model
        grown = dequantize.growth(model)
        if grown and not self.spare and grown < 0.6 * free_memory(self.loaded.device):
            dequantize.dequantize(model)
            return "plain"
        if grown:
            # What is not 4-bit computes in the same type as what is.
            for parameter in model.parameters():
                if parameter.is_floating_point():
                    parameter.data = parameter.data.to(self.loaded.dtype)
        return "packed4" if grown else "plain"

    def _lay_out(self, groups: Sequence[Group], prompts: Sequence[Tokens]) -> Layout:
        varlen = self.attention == "varlen"
        return packed.lay_out(groups, prompts, self.loaded.device, varlen=varlen)

    # -- what is fastest and agrees with a plain pass

    def _choose(self, fused: bool) -> None:
        import torch

        config: Any = self.loaded.model.config
        packed.register()
        plain = self._plain_states()
        config._attn_implementation = packed.NAME
        flash = self.loaded.device.startswith("cuda") and self.loaded.dtype != torch.float32
        for self.attention in ("varlen", "slices") if flash else ("slices",):
            if self._agrees(plain):
                break
        else:
            config._attn_implementation = "sdpa"
            self.attention = "single"
        if self.attention == "slices":
            self._shorten(plain)
        cuda = self.loaded.device.startswith("cuda")
        if fused and not (cuda and self.spare):
            self._undo = fuse.fuse(self._decoder, compiled=cuda)
            if not self._agrees(plain):
                self._unfuse()

    def _shorten(self, plain: torch.Tensor) -> None:
        """Leave out of the last layer what is not read, where the architecture allows it."""
        try:
            ending = Ending(self._decoder)
        except (AttributeError, IndexError):  # an architecture that names its layers otherwise
            return
        self.shortened = self._agrees(plain)
        if not self.shortened:
            ending.remove()

    def _unfuse(self) -> None:
        if self._undo is not None:
            self._undo()
            self._undo = None

    def _agrees(self, plain: torch.Tensor) -> bool:
        import torch

        with torch.inference_mode():
            try:
                layout = self._lay_out([Group((0, 1), 24), Group((2,), 0)], _trial())
                states = self.states(layout, ()).float()
            except Exception:  # an architecture or a device that cannot: no fault of anyone's
                return False
        return bool((states - plain).norm() < _AGREES * plain.norm())

    def _plain_states(self) -> torch.Tensor:
        import torch

        with torch.inference_mode():
            found = [
                self._decoder(
                    input_ids=torch.tensor([tokens], device=self.loaded.device), use_cache=False
                ).last_hidden_state[0, -1]
                for tokens in _trial()
            ]
        return torch.stack(found).float()


def free_memory(device: str) -> int:
    """Bytes that this process may still take of `device`, what torch holds unused included."""
    if device.startswith("cuda"):
        import torch

        held = torch.cuda.memory_allocated(device)
        free = torch.cuda.mem_get_info(device)[0] + torch.cuda.memory_reserved(device) - held
        # A process that was given less than the card plans for what it was given.
        share = torch.cuda.get_per_process_memory_fraction()
        whole = torch.cuda.get_device_properties(device).total_memory
        return min(free, int(share * whole) - held)
    import psutil

    return int(psutil.virtual_memory().available)


def _trial() -> list[list[int]]:
    """Two prompts with a common beginning and one of their own."""
    first = [7 + 5 * n % 89 for n in range(24)]
    return [[*first, 11, 12, 13], [*first, 31, 12, 14, 15, 16], [5, 4, 3] * 11]


def _prefix(model: Any, decoder: Any) -> str:
    """The decoder's own name in the model, with its dot."""
    return next(f"{name}." if name else "" for name, m in model.named_modules() if m is decoder)


def _spans(owners: Sequence[Lora | None], bounds: Sequence[int]) -> list[Span]:
    """Neighbouring groups of one adapter as one span; the base's rows are in none."""
    spans: list[Span] = []
    for owner, start, end in zip(owners, bounds, bounds[1:], strict=False):
        if owner is None:
            continue
        goes_on = spans and spans[-1].lora is owner and spans[-1].end == start
        spans.append(Span(spans.pop().start if goes_on else start, end, owner))
    return spans
