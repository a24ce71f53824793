"""What an editor shows: pyright's language server, asked over the Language Server Protocol.

Source: https://microsoft.github.io/language-server-protocol/specifications/lsp/3.17/specification/
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import IO, Any, cast

HERE = "<here>"  # the cursor, in the code


class LanguageServer:
    def __init__(self, folder: Path, environ: dict[str, str]) -> None:
        self._folder = folder
        self._asked = 0
        self._server = subprocess.Popen(
            [sys.executable, "-m", "pyright.langserver", "--stdio"],
            cwd=folder,
            env={**os.environ, **environ},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def __enter__(self) -> LanguageServer:
        root = self._folder.as_uri()
        folders = [{"uri": root, "name": "folder"}]
        self._ask(
            "initialize", processId=os.getpid(), rootUri=root, workspaceFolders=folders, capabilities={}
        )
        self._send("initialized", {})
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._ask("shutdown")
        self._send("exit", {})
        self._server.communicate()

    def completions(self, code: str) -> set[str]:
        """The names offered at the cursor, without quotes and the "=" of an argument."""
        found = self._at_the_cursor("completion", code)
        return {item["label"].strip("\"'=") for item in found["items"]}

    def hover(self, code: str) -> str:
        """The text shown for what the cursor is in."""
        return cast("str", self._at_the_cursor("hover", code)["contents"]["value"])

    def _at_the_cursor(self, what: str, code: str) -> Any:
        before = code[: code.index(HERE)]
        uri = (self._folder / f"edited_{self._asked}.py").as_uri()
        document = {"uri": uri, "languageId": "python", "version": 1, "text": code.replace(HERE, "")}
        self._send("textDocument/didOpen", {"textDocument": document})
        position = {"line": before.count("\n"), "character": len(before.rpartition("\n")[2])}
        return self._ask(f"textDocument/{what}", textDocument={"uri": uri}, position=position)

    def _ask(self, method: str, **params: object) -> Any:
        self._asked += 1
        self._send(method, params, id=self._asked)
        while True:
            message = self._receive()
            if "method" not in message and message.get("id") == self._asked:
                return message["result"]
            if "method" in message and "id" in message:  # it asks for its own settings, for one
                self._write({"id": message["id"], "result": None})

    def _send(self, method: str, params: object, **more: object) -> None:
        self._write({"method": method, "params": params, **more})

    def _write(self, message: dict[str, object]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        pipe = cast("IO[bytes]", self._server.stdin)
        pipe.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        pipe.flush()

    def _receive(self) -> dict[str, Any]:
        pipe = cast("IO[bytes]", self._server.stdout)
        length = 0
        while header := pipe.readline().strip():
            name, _, value = header.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        assert length, "the language server has ended"
        return cast("dict[str, Any]", json.loads(pipe.read(length)))
