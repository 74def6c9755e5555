"""What the server has to tell each open page.

Gradio's page closes its stream of answers when it is about to be left, and the server then
forgets its queue of messages. But the page works on until the next one is there, and what it asks
in that moment would meet a 404 in the middle of a stream, with a traceback in the server's log.
"""

from __future__ import annotations

from typing import Any

from gradio.utils import LRUCache


class Messages(LRUCache[str, Any]):
    """Gradio's queues of messages by page: of a stream that broke off only the messages go.

    A page's queue goes once `max_size` others were used after it.
    """

    def __setitem__(self, session: str, queue: Any) -> None:
        if session not in self and len(self) >= self.max_size:
            super().__delitem__(next(iter(self)))
        super().__setitem__(session, queue)

    def __getitem__(self, session: str) -> Any:
        self.move_to_end(session)
        return super().__getitem__(session)

    def __delitem__(self, session: str) -> None:
        queue = self[session]
        while not queue.empty():
            queue.get_nowait()
