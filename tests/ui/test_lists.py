"""What a page still shows of a list is taken as far as it is still there."""

from __future__ import annotations

from typing import Any

import anyio.from_thread
import gradio as gr
import pytest

from lawui.ui.lists import Blocks


def given(inputs: list[Any], **event: Any) -> list[Any]:
    with Blocks() as blocks:
        one = gr.Dropdown(choices=[("甲", "a"), ("乙", "b")])
        several = gr.CheckboxGroup(choices=["a", "b"])
        words = gr.Textbox()
        words.submit(lambda *_: None, [one, several, words], None, **event)
    (event_fn,) = blocks.fns.values()
    with anyio.from_thread.start_blocking_portal() as portal:  # beside Playwright's loop, too
        return list(portal.call(blocks.preprocess_data, event_fn, inputs, None))


def test_a_line_that_is_gone_is_not_chosen() -> None:
    assert given(["b", ["b", "gone"], "gone"], api_visibility="private") == ["b", ["b"], "gone"]
    assert given(["gone", [], ""], api_visibility="private") == [None, [], ""]
    assert given([None, ["a"], ""], api_visibility="private") == [None, ["a"], ""]


def test_a_list_that_is_redrawn_meanwhile_does_not_refuse() -> None:
    with Blocks() as blocks:
        slow = gr.Textbox()
        box = gr.Dropdown(choices=["a", "b"])
        slow.submit(lambda *_: None, [slow, box], None, api_visibility="private")
    (event_fn,) = blocks.fns.values()

    def redrawn(value: str) -> str:
        box.choices = [("b", "b")]
        return value

    slow.preprocess = redrawn  # type: ignore[method-assign,assignment]
    with anyio.from_thread.start_blocking_portal() as portal:
        found = portal.call(blocks.preprocess_data, event_fn, ["words", "a"], None)
    assert list(found) == ["words", None]


def test_an_endpoint_for_programs_refuses_it() -> None:
    with pytest.raises(gr.Error, match="gone"):
        given(["gone", [], ""], api_name="public")
