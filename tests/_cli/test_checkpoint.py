"""What is left out when the command is run again for many functions, and what a kill leaves behind.

    KILLS=200 python -m pytest tests/_cli/test_checkpoint.py

kills 200 times; without KILLS it is some.
"""

from __future__ import annotations

import io
import json
import os
import random
import signal
import subprocess
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from account import Account
from processes import COMMAND, Many

from lambda_event_invoke_configs._cli.checkpoint import Checkpoint
from lambda_event_invoke_configs.exceptions import InvalidConfigError

KILLS = int(os.environ.get("KILLS", "12"))
LONGEST_RUN = 1.2  # seconds until it is killed; half of them it takes to start


def named(lines: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return sorted((line["FunctionName"], line["Region"]) for line in lines)


class TestCheckpoint:
    def test_leaves_out_what_is_finished_and_asks_again_for_what_failed(
        self, many: Many, account: Account, tmp_path: Path
    ) -> None:
        names = ["twice-a", "twice-b", "missing-twice"]
        checkpoint = ["--checkpoint", str(tmp_path / "done")]
        first = many(*names, *checkpoint)
        second = many(*names, *checkpoint)

        assert (first[0], len(first[1])) == (1, 3)
        assert named(second[1]) == [("missing-twice", "us-east-1")]
        asked = account.asked()
        assert [asked[name] for name in names] == [1, 1, 2]

    def test_takes_a_name_that_comes_twice_once(self, many: Many, tmp_path: Path) -> None:
        assert len(many("a", "a", "--checkpoint", str(tmp_path / "done"))[1]) == 1

    @pytest.mark.parametrize("content", ["nothing\n", "nothing", "[]\n", '{"FunctionName": "f"}\n', '{"Fun.'])
    def test_is_not_taken_from_any_file(self, many: Many, tmp_path: Path, content: str) -> None:
        (tmp_path / "names").write_text(content)

        code, lines, err = many("a", "--checkpoint", str(tmp_path / "names"))

        assert (code, lines) == (253, [])
        assert "must be a file that this command wrote" in err
        assert (tmp_path / "names").read_text() == content

    def written(self, folder: Path) -> list[Any]:
        """A checkpoint and an output of two functions."""
        with open(folder / "out", "a") as out, Checkpoint(str(folder / "done"), out) as checkpoint:
            checkpoint.write(("a", "r"), "line a\n", failed=False)
            checkpoint.write(("b", "r"), "line b\n", failed=False)
        return [("a", "r"), ("b", "r")]

    def left(self, folder: Path, out: str = "out") -> list[bool]:
        with open(folder / out, "a") as output, Checkpoint(str(folder / "done"), output) as checkpoint:
            return [checkpoint.claim(("a", "r")), checkpoint.claim(("b", "r"))]

    def test_removes_the_part_of_a_line(self, tmp_path: Path) -> None:
        self.written(tmp_path)
        os.truncate(tmp_path / "out", 10)

        assert self.left(tmp_path) == [False, True]
        assert (tmp_path / "out").read_text() == "line a\n"
        assert len((tmp_path / "done").read_text().splitlines()) == 1

    def test_leaves_alone_what_others_added(self, tmp_path: Path) -> None:
        self.written(tmp_path)
        with open(tmp_path / "out", "a") as out:
            out.write("other's")

        assert self.left(tmp_path) == [False, False]
        assert (tmp_path / "out").read_text() == "line a\nline b\nother's"

    def test_of_another_output_repeats_the_last(self, tmp_path: Path) -> None:
        self.written(tmp_path)

        assert self.left(tmp_path, "other") == [False, True]

    def test_drops_a_record_that_was_not_written_to_its_end(self, tmp_path: Path) -> None:
        self.written(tmp_path)
        with open(tmp_path / "done", "a") as done:
            done.write('{"Functi')

        assert self.left(tmp_path) == [False, False]
        assert (tmp_path / "done").read_text().endswith("}\n")

    def test_complains_if_the_output_was_begun_anew(self, tmp_path: Path) -> None:
        self.written(tmp_path)
        os.truncate(tmp_path / "out", 0)

        with pytest.raises(InvalidConfigError, match="it has lost lines"):
            self.left(tmp_path)

    def test_complains_if_the_output_has_lost_what_was_there_before(self, tmp_path: Path) -> None:
        (tmp_path / "out").write_text("a heading\n")
        with open(tmp_path / "out", "a") as out, Checkpoint(str(tmp_path / "done"), out) as checkpoint:
            checkpoint.write(("a", "r"), "line a\n", failed=False)
        os.truncate(tmp_path / "out", 0)

        with pytest.raises(InvalidConfigError, match="it has lost lines"):
            self.left(tmp_path)

    def test_complains_of_lines_that_are_lost_though_the_last_went_elsewhere(self, tmp_path: Path) -> None:
        self.written(tmp_path)
        with Checkpoint(str(tmp_path / "done"), io.StringIO()) as checkpoint:
            checkpoint.write(("c", "r"), "line c\n", failed=False)
        os.truncate(tmp_path / "out", 0)

        with pytest.raises(InvalidConfigError, match="it has lost lines"):
            self.left(tmp_path)

    @pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL")
    @pytest.mark.parametrize("output", ["file", "pipe"])
    def test_continues_after_a_kill_at_any_moment(self, tmp_path: Path, output: str) -> None:
        chance = random.Random(output)
        names = [f"kill-{output}-{n}-pages-{chance.randint(1, 3)}" for n in range(600)]
        (tmp_path / "names").write_text("\n".join(names))
        out = tmp_path / "out"
        kills = 0
        with Account() as account:
            command = [*COMMAND, "--endpoint-url", account.url, "--max-concurrency", "2"]
            command += ["--functions-from", str(tmp_path / "names"), "--checkpoint", str(tmp_path / "done")]
            code = None
            while code != 0:
                moment = chance.uniform(0.4, LONGEST_RUN) if kills < KILLS // 2 else None
                code = _killed_after(moment, command, out, output)
                assert code in (0, -signal.SIGKILL)
                kills += code != 0
            asked = account.asked()
        whole = [line for line in out.read_bytes().split(b"\n") if line]
        found = Counter(json.loads(line)["FunctionName"] for line in whole if line.endswith(b"}"))
        assert {*found} == {*names}
        # Two were under way at each kill; what was in the output was asked for no more.
        assert sum(asked.values()) - len(names) <= 3 * kills
        if output == "file":
            assert set(found.values()) == {1}
        else:
            assert sum(found.values()) - len(names) <= kills


def _killed_after(seconds: float | None, command: list[str], out: Path, output: str) -> int:
    with open(out, "ab") as file:
        if output == "file":
            process = subprocess.Popen(command, stdout=file)
            copying = None
        else:
            process = subprocess.Popen(command, stdout=subprocess.PIPE)
            assert process.stdout
            pipe = process.stdout
            copying = threading.Thread(
                target=lambda: [file.write(line) for line in pipe if line[-1:] == b"\n"]
            )
            copying.start()
        if seconds is not None:
            try:
                process.wait(seconds)
            except subprocess.TimeoutExpired:
                process.kill()
        code = process.wait(60)
        if copying:
            copying.join()
            pipe.close()
        return code
