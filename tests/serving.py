"""The page for several people, served in this process and called as any program does."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import gradio as gr
import httpx
import pytest
from gradio_client.exceptions import AppError

from lawui import ui
from lawui.lab import Lab, Settings
from lawui.readers.people import People


@dataclass
class House:
    """A page that is served in this process: its lab and address."""

    lab: Lab
    blocks: gr.Blocks
    url: str
    clients: dict[str, httpx.Client] = field(default_factory=dict)

    @cached_property
    def endpoints(self) -> dict[str, list[dict[str, Any]]]:
        """Every named endpoint with its parameters, as the page tells its clients."""
        told = self.blocks.get_api_info()["named_endpoints"]
        return {name.strip("/"): about["parameters"] for name, about in told.items()}

    def guest(self, name: str = "") -> Guest:
        """Somebody who logs in as `name`, or does not."""
        if name not in self.clients:
            self.clients[name] = client = httpx.Client(base_url=self.url, timeout=120)
            if name:
                known = {"username": name, "password": "pw"}
                client.post("login", data=known).raise_for_status()
        return Guest(self, self.clients[name])


@dataclass
class Guest:
    """Who calls the endpoints as any program does."""

    house: House
    client: httpx.Client

    def call(self, endpoint: str, **values: Any) -> Any:
        """What an endpoint gives; AppError with its sentence where it refuses."""
        data = []
        for parameter in self.house.endpoints[endpoint]:
            if parameter["parameter_name"] in values:
                data.append(values.pop(parameter["parameter_name"]))
            else:
                assert parameter["parameter_has_default"], (endpoint, parameter)
                data.append(parameter["parameter_default"])
        assert not values, (endpoint, values)
        answer = self.client.post(f"gradio_api/run/{endpoint}", json={"data": data})
        if answer.status_code == 401:
            raise AppError("401")
        told = answer.json()
        if answer.status_code != 200:
            raise AppError(str(told.get("error") or told.get("detail") or told))
        return told["data"][0]

    def said(self, endpoint: str, **values: Any) -> str:
        """The same as text, an error too."""
        try:
            return json.dumps(self.call(endpoint, **values), ensure_ascii=False)
        except AppError as error:
            return f"! {error}"


@contextlib.contextmanager
def opened(home: Path, people: People, mcp: bool = False) -> Iterator[House]:
    """The page for `people`, served on a free port."""
    with pytest.MonkeyPatch.context() as patch, contextlib.chdir(home):
        patch.delenv("LAWUI_DATA", raising=False)
        patch.setenv("GRADIO_ANALYTICS_ENABLED", "False")
        settings = Settings(home=home, model="embedded", offline=True, demo=people.demo)
        lab = Lab(settings, people)
        blocks = ui.build(lab, mcp)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        routes = ui.class_page.routes(lab)
        more: dict[str, Any] = {"offline": True, "environment": {}, "routes": routes}
        reach = ui.access.options("127.0.0.1", port, people, **more)
        reach |= {"mcp_server": mcp, "prevent_thread_lock": True, "quiet": True}
        blocks.launch(**ui.launch_options(lab), **reach)
        house = House(lab, blocks, f"http://127.0.0.1:{port}/")
        yield house
        for client in house.clients.values():
            client.close()
        blocks.close()
        lab.close()
