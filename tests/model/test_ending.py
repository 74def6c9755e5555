"""The last layer is computed where it is read, and only where that changes nothing."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from lawui.model import packed
from lawui.model.engine import Engine
from lawui.model.load import load
from lawui.model.packed import Group

PROMPTS = [[*range(20), 30, 31], [*range(20), 40], [50, 51, 52]]
GROUPS = [Group((0, 1), 20), Group((2,), 0)]


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine(load())


def states(engine: Engine) -> torch.Tensor:
    with torch.inference_mode():
        layout = packed.lay_out(GROUPS, PROMPTS, "cpu", varlen=False)
        return engine.states(layout, ()).float()


def plain(engine: Engine) -> torch.Tensor:
    model: Any = engine.loaded.model
    with torch.inference_mode():
        found = [model.get_decoder()(torch.tensor([tokens])) for tokens in PROMPTS]
    return torch.stack([one.last_hidden_state[0, -1] for one in found]).float()


def rows_of_the_feed_forward(engine: Engine, what: Any) -> list[int]:
    """How many rows the last layer's widest product was given."""
    seen: list[int] = []
    down: Any = engine.loaded.model.get_decoder().layers[-1].mlp.down_proj  # type: ignore[operator]
    real = nn.functional.linear

    def watched(x: torch.Tensor, weight: torch.Tensor, bias: Any = None) -> torch.Tensor:
        if weight is down.weight:
            seen.append(x.shape[-2])
        return real(x, weight, bias)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nn.functional, "linear", watched)
        what(engine)
    return seen


def test_a_batch_computes_its_prompts_ends_alone_and_the_states_are_the_same(
    engine: Engine,
) -> None:
    assert engine.shortened
    assert rows_of_the_feed_forward(engine, states) == [len(PROMPTS)]
    assert rows_of_the_feed_forward(engine, plain) == [len(p) for p in PROMPTS]
    assert torch.allclose(states(engine), plain(engine), atol=0.05, rtol=0.02)


def test_a_pass_that_breaks_off_leaves_the_layer_whole(engine: Engine) -> None:
    before = plain(engine)
    layer = engine._decoder.layers[-1]

    def breaks(*_: Any) -> None:
        raise RuntimeError("no memory")

    hook = layer.post_attention_layernorm.register_forward_hook(breaks)
    with pytest.raises(RuntimeError, match="no memory"):
        states(engine)
    hook.remove()
    assert torch.equal(plain(engine), before)
    assert rows_of_the_feed_forward(engine, states) == [len(PROMPTS)]


def test_where_it_gives_other_numbers_it_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed, "_last_tokens", lambda query, *_: query.transpose(1, 2) * 0)
    other = Engine(load())
    assert other.attention == "slices" and not other.shortened
    assert rows_of_the_feed_forward(other, states) == [sum(map(len, PROMPTS)) - 20]
    assert torch.allclose(states(other), plain(other), atol=0.05, rtol=0.02)
