"""A class as endpoints: the presenter's and the students'. The class pages use the same."""

from __future__ import annotations

from typing import Any

from lawui.lab import Lab
from lawui.ui import access

JSON = dict[str, Any]


class ClassApi:
    """Each method is an endpoint, and its docstring is its help."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab

    def class_open(self) -> JSON:
        """Open a class: `code` for the students, and `key`, which makes its presenter."""
        code, key = self._lab.classroom.open(access.reader())
        return {"code": code, "key": key}

    def class_show(
        self,
        code: str,
        key: str,
        id: str,
        set: str = "",
        evidence: str = "retrieved",
        adapter: str = "base",
    ) -> JSON:
        """Put a question before the class; `evidence` (retrieved or given) is the law that
        the model is shown at the last step. The presenter's state comes back."""
        self._lab.classroom.show(code, key, id, set, evidence, adapter)
        return self._lab.classroom.state(code, key=key)

    def class_go(self, code: str, key: str, step: int) -> JSON:
        """Go to a step: 1 vote, 2 the model beside the votes, 3 the official answer, 4 the
        model with the law."""
        self._lab.classroom.go(code, key, step)
        return self._lab.classroom.state(code, key=key)

    def class_close(self, code: str, key: str) -> bool:
        """End a class; nothing of it is kept."""
        self._lab.classroom.close(code, key)
        return True

    def class_join(self, code: str, name: str) -> JSON:
        """Join a class under a made-up name: the `token` says who votes."""
        return {"token": self._lab.classroom.join(code, name, access.reader())}

    def class_vote(self, code: str, token: str, letter: str) -> JSON:
        """Commit to a letter. What the student sees comes back."""
        self._lab.classroom.vote(code, token, letter)
        return self._lab.classroom.state(code, token)

    def class_state(self, code: str, token: str = "", key: str = "", seen: str = "") -> JSON:
        """What a student (token) or the presenter (key) sees now; nothing where that is the
        version `seen` already."""
        return self._lab.classroom.state(code, token, key, seen)
