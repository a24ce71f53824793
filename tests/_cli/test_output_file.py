"""A file that a run for many functions writes, and the next run continues.

    KILLS=100 python -m pytest -s -k any_moment tests/_cli/test_output_file.py

kills 100 runs, lets the disk be full in others, and prints how many; without KILLS it is a few.
"""

from __future__ import annotations

import errno
import itertools
import json
import os
import random
import shutil
import signal
import socket
import sys
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
import slow_disk
from account import Account
from processes import LONGEST, Many, forked

import lambda_event_invoke_configs as eic
from lambda_event_invoke_configs._cli import output_file
from lambda_event_invoke_configs._cli.exit_status import UsageError
from lambda_event_invoke_configs._cli.output_file import Function, Line, OutputFile, to_line

KILLS = int(os.environ.get("KILLS", "5"))
LONGEST_RUN = 0.25  # seconds until it is killed: enough to begin, and for some dozens of lines
REGION = "us-east-1"
REGIONS = (REGION, "eu-west-1")
FUNCTIONS = 25  # in a file
KINDS = ("whole", "breaks-1")  # the latter fail half-way when they are listed first
ROOM = 3000  # bytes at the most that are left on each third disk
ENDS = {0: "finished", 1: "finished with failures", 255: "full", -signal.SIGKILL: "killed"}

posix = pytest.mark.skipif(os.name == "nt", reason="there are no such files")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "found.jsonl"


Into = Callable[..., tuple[int, list[dict[str, Any]], str]]


@pytest.fixture
def into(many: Many, path: Path) -> Into:
    """Runs the command with the file: exit code, the file's lines, standard error."""

    def into(*argv: str) -> tuple[int, list[dict[str, Any]], str]:
        code, shown, err = many(*argv, "--output-file", str(path))
        assert shown == []
        return code, [json.loads(line) for line in path.read_bytes().splitlines()], err

    return into


def named(lines: list[dict[str, Any]]) -> list[str]:
    return [line["FunctionName"] for line in lines]


def line(name: str, region: str = REGION, *, error: str | None = None, size: int = 0) -> Line:
    found: list[Any] = [{"FunctionArn": "a" * size}] if size else []
    return to_line(eic.FunctionOutcome(name, found, ValueError(error) if error else None), region)[1]


def text(*lines: Line) -> bytes:
    return b"".join(line.text for line in lines)


A, B, C = line("a"), line("b"), line("c")
BROKEN, BROKEN_AGAIN = line("broken", error="no"), line("broken", error="still no")


class TestFile:
    def test_has_the_lines_and_standard_output_has_none(self, into: Into) -> None:
        code, lines, err = into("a", "b")

        assert (code, err) == (0, "2 functions, 2 configurations, none failed\n")
        assert sorted(named(lines)) == ["a", "b"]
        assert lines[0]["FunctionEventInvokeConfigs"][0]["FunctionArn"] in "ab"

    def test_has_the_line_of_a_single_function(self, into: Into) -> None:
        assert into("a")[1][0]["Region"] == REGION

    def test_is_continued_without_the_functions_that_are_finished(self, into: Into, account: Account) -> None:
        first = into("kept-a", "kept-b")
        second = into("kept-c", "kept-b", "kept-a")

        assert second[1] == [*first[1], *second[1][2:]]
        assert named(second[1][2:]) == ["kept-c"]
        assert {account.asked()[f"kept-{name}"] for name in "abc"} == {1}

    def test_is_left_as_it_is_if_all_are_finished(self, into: Into, path: Path) -> None:
        into("a")
        os.utime(path, ns=(1, 1))

        assert into("a")[0] == 0
        assert path.stat().st_mtime_ns == 1

    def test_has_a_function_for_each_region(self, into: Into, account: Account) -> None:
        into("in-two", "--region", REGION)
        _, lines, _ = into("in-two", "--region", REGION, "--region", "eu-west-1")

        assert [line["Region"] for line in lines] == [REGION, "eu-west-1"]
        assert account.asked()["in-two"] == 2

    def test_has_a_name_that_is_given_twice_once_and_other_names_of_a_function_too(self, into: Into) -> None:
        arn = "arn:aws:lambda:us-east-1:123456789012:function:a"

        assert sorted(named(into("a", "a", arn, "\ud800")[1])) == ["a", arn, "\ud800"]
        assert len(into("\ud800", "a")[1]) == 3

    def test_may_be_what_standard_output_was_without_its_failures(self, many: Many, path: Path) -> None:
        _, shown, _ = many("missing-e", "a", "b", "--max-concurrency", "1")
        lines = [json.dumps(line, separators=(",", ":")).encode() + b"\n" for line in shown]
        path.write_bytes(b"".join(line for line in lines if b'"Error":{"Code":' not in line))

        assert left(path) == [False, False, True]

    @posix
    def test_is_made_with_the_permissions_of_any_new_file(self, into: Into, path: Path) -> None:
        umask = os.umask(0o027)
        try:
            into("a")
        finally:
            os.umask(umask)

        assert path.stat().st_mode & 0o777 == 0o640

    @posix
    def test_may_be_a_link_to_one_that_is_not_there_yet(self, into: Into, path: Path, tmp_path: Path) -> None:
        path.symlink_to(tmp_path / "elsewhere")

        assert named(into("a")[1]) == ["a"]
        assert path.is_symlink()

    def test_is_on_the_disk_when_the_run_ends(self, into: Into, monkeypatch: pytest.MonkeyPatch) -> None:
        synced = []
        monkeypatch.setattr(os, "fsync", lambda fd: synced.append(os.fstat(fd).st_size))
        into("a")

        assert synced[0] > 0


class TestFailure:
    def test_comes_last_and_is_listed_again(self, into: Into, account: Account) -> None:
        name = "breaks-1-twice-pages-3"
        first = into(name, "missing-first", "ok", "--max-concurrency", "1")
        second = into(name, "missing-first", "ok")

        assert (first[0], second[0]) == (1, 1)
        assert named(first[1]) == ["ok", name, "missing-first"]
        broken = first[1][1]
        assert (len(broken["FunctionEventInvokeConfigs"]), "NextToken" in broken) == (1, True)
        assert named(second[1]) == ["ok", name, "missing-first"]
        whole = second[1][1]
        assert (len(whole["FunctionEventInvokeConfigs"]), "NextToken" in whole) == (3, False)
        assert account.asked()["missing-first"] == 2

    def test_stays_if_it_is_not_asked_for_again(self, into: Into) -> None:
        into("missing-a")

        code, lines, _ = into("b")
        assert code == 0
        assert named(lines) == ["b", "missing-a"]

    def test_stays_if_the_run_ends_in_an_error(self, into: Into, tmp_path: Path) -> None:
        into("missing-b")
        (tmp_path / "names").write_bytes(b"missing-b\n\xff\n")

        code, lines, _ = into("--functions-from", str(tmp_path / "names"))
        assert code == 252
        assert named(lines) == ["missing-b"]

    def test_is_there_once(self, path: Path) -> None:
        with OutputFile(str(path)) as file:
            file.write(BROKEN)
            file.write(A)
        assert path.read_bytes() == text(A, BROKEN)

        with OutputFile(str(path)) as file:
            assert [file.claim(each.function) for each in (A, BROKEN)] == [False, True]
            assert path.read_bytes() == text(A)
            file.write(BROKEN_AGAIN)
        assert path.read_bytes() == text(A, BROKEN_AGAIN)

        with OutputFile(str(path)) as file:
            file.write(line("broken"))
        assert path.read_bytes() == text(A, line("broken"))


def left(path: Path) -> list[bool]:
    """Which of a, b and the broken one are to be listed."""
    with OutputFile(str(path)) as file:
        return [file.claim(each.function) for each in (A, B, BROKEN)]


class TestTornLine:
    @pytest.mark.parametrize(
        ("lines", "expected"),
        [([], [True, True, True]), ([A], [False, True, True])],
        ids=["first", "second"],
    )
    def test_is_removed_wherever_it_was_torn(
        self, path: Path, lines: list[Line], expected: list[bool]
    ) -> None:
        for end in range(1, len(B.text)):
            path.write_bytes(text(*lines) + B.text[:end])

            assert left(path) == expected
            assert path.read_bytes() == text(*lines)

    def test_is_removed_after_failures(self, path: Path) -> None:
        path.write_bytes(text(A, BROKEN) + line("x", error="no").text[:-5])

        assert left(path) == [False, True, True]
        assert path.read_bytes() == text(A, BROKEN)


class TestForeignFile:
    """Refused, and left as it is."""

    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            (b"\n", "line 1 was not written by --output-file"),
            (b"names\nof\nfunctions\n", "line 1 was not written by --output-file"),
            (b"no end", "line 1 was not written by --output-file"),
            (b"\0\xff\xfe" * 100, "line 1 was not written by --output-file"),
            (b'{"FunctionName":"f","FunctionArn":"a"}\n', "line 1 was not written by --output-file"),
            (b'{"FunctionName":"f","FunctionArn":"a"}', "line 1 was not written by --output-file"),
            (
                b'{"FunctionName":"f","Region":"us-east-1","Failed":false}\n',
                "line 1 was not written by --output-file",
            ),
            (text(A, B) + b'{"mine":1}\n', "line 3 was not written by --output-file"),
            (text(A, B) + b"note to self", "line 3 was not written by --output-file"),
            (text(A, B) + b"\n", "line 3 was not written by --output-file"),
            (text(A) + b"\n" + text(B), "line 2 was not written by --output-file"),
            (text(A) + B.text[:-9] + b"\0" * 9, "line 2 was not written by --output-file"),
            (text(A) + b"\xff" + text(B), "line 2 was not written by --output-file"),
            (text(A) + B.text[:20] + text(C), "line 2 was not written by --output-file"),
            (text(A, B).replace(b"\n", b"\r\n"), "line 1 was not written by --output-file"),
            (b"\xef\xbb\xbf" + text(A), "line 1 was not written by --output-file"),
            (json.dumps(json.loads(A.text)).encode() + b"\n", "line 1 was not written by --output-file"),
            (text(A, B, A), "line 3 repeats a function"),
            (text(A, BROKEN, BROKEN_AGAIN), "line 3 repeats a function"),
            (text(A, BROKEN, B), "line 3 comes after one with an Error"),
        ],
        ids=range(20),
    )
    def test_of_other_content_is(self, many: Many, path: Path, content: bytes, reason: str) -> None:
        path.write_bytes(content)
        os.utime(path, ns=(1, 1))

        code, lines, err = many("a", "--output-file", str(path))

        assert (code, lines) == (252, [])
        assert err == (
            "lambda-event-invoke-configs: error: argument --output-file: "
            f"cannot continue {str(path)!r}: {reason}\n"
        )
        assert (path.read_bytes(), path.stat().st_mtime_ns) == (content, 1)

    @pytest.mark.parametrize("end", [b"", b"\n"], ids=["torn", "whole"])
    def test_is_one_with_a_line_longer_than_any(
        self, path: Path, monkeypatch: pytest.MonkeyPatch, end: bytes
    ) -> None:
        monkeypatch.setattr(output_file, "_LONGEST_LINE", 1000)
        content = text(A) + line("b", size=1000).text[:-1] + end
        path.write_bytes(content)

        with pytest.raises(UsageError, match="line 2 was not written by --output-file"):
            OutputFile(str(path))
        assert path.read_bytes() == content

    @posix
    @pytest.mark.parametrize("kind", ["directory", "FIFO", "device", "socket"])
    @pytest.mark.parametrize("linked", [False, True], ids=["", "linked"])
    def test_is_one_that_is_not_regular(
        self, many: Many, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, *, linked: bool
    ) -> None:
        path = tmp_path / kind
        with socket.socket(socket.AF_UNIX) as unix:
            if kind == "directory":
                path.mkdir()
            elif kind == "FIFO":
                os.mkfifo(path)
            elif kind == "device":
                path = Path(os.devnull)
            else:
                monkeypatch.chdir(tmp_path)  # its name must be short
                unix.bind(kind)
            if linked:
                path = tmp_path / "link"
                path.symlink_to(os.devnull if kind == "device" else tmp_path / kind)

            code, lines, err = many("a", "--output-file", str(path))

        assert (code, lines) == (252, [])
        assert f"argument --output-file: not a regular file: {str(path)!r}" in err

    def test_is_one_that_another_run_writes_to(self, many: Many, path: Path) -> None:
        with OutputFile(str(path)) as file:
            file.write(A)
            code, lines, err = many("a", "--output-file", str(path))
            assert (code, lines) == (252, [])
            assert f"argument --output-file: another run is writing to {str(path)!r}" in err
            assert path.read_bytes() == text(A)
            file.write(B)

        assert path.read_bytes() == text(A, B)
        assert left(path) == [False, False, True]  # and it is given back

    def test_is_not_read_while_another_run_writes_to_it(self, path: Path) -> None:
        with OutputFile(str(path)):
            path.write_bytes(b"something else")
            with pytest.raises(UsageError, match="another run is writing to"):
                OutputFile(str(path))
            os.truncate(path, 0)

    def test_is_given_back(self, path: Path) -> None:
        path.write_bytes(b"something else")
        with pytest.raises(UsageError, match="line 1 was not written by --output-file"):
            OutputFile(str(path))

        os.truncate(path, 0)
        assert left(path) == [True, True, True]

    @pytest.mark.parametrize("place", ["no/folder", ""], ids=["in no folder", "no name"])
    def test_is_one_that_cannot_be_made(self, many: Many, tmp_path: Path, place: str) -> None:
        path = str(tmp_path / place) if place else ""

        code, lines, err = many("a", "--output-file", path)

        assert (code, lines) == (252, [])
        assert f"argument --output-file: [Errno 2] No such file or directory: '{path}'" in err

    @pytest.mark.parametrize("code", [errno.EACCES, errno.EROFS], ids=errno.errorcode.get)
    def test_is_one_that_cannot_be_opened(
        self, many: Many, path: Path, monkeypatch: pytest.MonkeyPatch, code: int
    ) -> None:
        real = os.open

        def fail(opened: Any, *arguments: Any, **options: Any) -> int:
            if opened == str(path):
                raise OSError(code, os.strerror(code), opened)
            return real(opened, *arguments, **options)

        monkeypatch.setattr(os, "open", fail)

        assert many("a", "--output-file", str(path))[0::2] == (
            252,
            "lambda-event-invoke-configs: error: argument --output-file: "
            f"[Errno {code}] {os.strerror(code)}: '{path}'\n",
        )

    @posix
    def test_is_one_on_a_file_system_without_locks(
        self, many: Many, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        import fcntl

        def flock(_: int, __: int) -> None:
            raise OSError(errno.ENOLCK, "No locks available")

        monkeypatch.setattr(fcntl, "flock", flock)

        code, _, err = many("a", "--output-file", str(path))
        assert code == 252
        assert f"No locks available: '{path}'" in err


PLENTY = 10**9  # bytes


class Disk:
    """Has so much room for the file, in bytes; then a write raises, once."""

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.path = path
        self.room = PLENTY
        self.error: BaseException = OSError(errno.ENOSPC, "No space left on device")
        self._write = os.write
        monkeypatch.setattr(os, "write", self.write)

    def write(self, fd: int, data: bytes) -> int:
        if not (self.path.exists() and os.path.samestat(os.fstat(fd), os.stat(self.path))):
            return self._write(fd, data)
        piece = data[: self.room]
        if not piece:
            self.room = PLENTY
            raise self.error
        self.room -= len(piece)
        return self._write(fd, piece)


@pytest.fixture
def disk(path: Path, monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(path, monkeypatch)


@pytest.fixture
def fast_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda _: None)


class TestFullDisk:
    @pytest.mark.parametrize("room", [0, 1, len(A.text) - 1], ids=str)
    def test_leaves_whole_lines_and_is_continued(self, into: Into, disk: Disk, room: int) -> None:
        into("a")
        disk.room = room
        code, lines, err = into("b", "c", "--max-concurrency", "1")
        assert (code, named(lines)) == (255, ["a"])
        assert err.splitlines() == [
            "0 functions, 0 configurations, none failed",
            f"lambda-event-invoke-configs: [Errno 28] No space left on device: '{disk.path}'",
        ]

        code, lines, _ = into("b", "c", "--max-concurrency", "1")
        assert (code, named(lines)) == (0, ["a", "b", "c"])

    def test_for_the_failures_only_is_one_too(self, into: Into, disk: Disk) -> None:
        disk.room = 0
        code, lines, err = into("missing-c")

        assert (code, lines) == (255, [])
        assert "No space left on device" in err

    def test_that_is_reported_at_the_end_only_is_one_too(
        self, into: Into, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fsync(_: int) -> None:
            raise OSError(errno.EDQUOT, "Disk quota exceeded")

        monkeypatch.setattr(os, "fsync", fsync)
        code, _, err = into("a")

        assert code == 255
        assert f"Disk quota exceeded: '{path}'" in err


class TestInterrupt:
    def test_in_a_write_leaves_whole_lines_and_the_failures(self, into: Into, disk: Disk) -> None:
        into("missing-d", "a")
        disk.room, disk.error = 10, KeyboardInterrupt()
        code, lines, err = into("b")

        assert (code, err.splitlines()[-1]) == (130, "lambda-event-invoke-configs: interrupted")
        assert named(lines) == ["a", "missing-d"]

    @pytest.mark.usefixtures("fast_disk")
    def test_at_any_step_of_a_write_leaves_each_function_once(self, path: Path) -> None:
        step = 0
        while self.interrupted(path, step):
            finish(path)
            step += 1
        assert step > 50

    def interrupted(self, path: Path, step: int) -> bool:
        path.write_bytes(text(A, BROKEN))
        raised = threading.Thread(target=interrupt, args=[step, lambda: write_all(path)])
        raised.start()
        raised.join()
        return path.read_bytes() != text(A, line("broken"), B, line("c", error="no"))


def write_all(path: Path) -> None:
    with OutputFile(str(path)) as file:
        for each in (line("c", error="no"), line("broken"), B):
            file.write(each)


def finish(path: Path) -> None:
    """Continues the file; then it has to have each function once."""
    with OutputFile(str(path)) as file:
        for each in (A, B, C, line("broken")):
            if file.claim(each.function):
                file.write(each)
    assert sorted(path.read_bytes().splitlines(keepends=True)) == sorted(
        each.text for each in (A, B, C, line("broken"))
    )


def interrupt(step: int, call: Callable[[], None]) -> None:
    """Makes a call with a KeyboardInterrupt at a step of the interpreter within `OutputFile.write()`."""
    steps = itertools.count()

    def trace(frame: FrameType, event: str, _: object) -> Any:
        if frame.f_code.co_name not in ("write", "_append", "_check_unchanged"):
            return trace if frame.f_code.co_filename == __file__ else None
        frame.f_trace_opcodes = True
        if event == "opcode" and next(steps) == step:
            raise KeyboardInterrupt
        return trace

    sys.settrace(trace)
    with suppress(KeyboardInterrupt):
        call()


class TestFileChangedMeanwhile:
    @pytest.mark.parametrize(
        ("change", "complaint"),
        [
            (Path.unlink, "No such file or directory"),
            (lambda path: os.replace(shutil.copy(path, f"{path}2"), path), "changed or replaced"),
            (lambda path: os.truncate(path, 0), "changed or replaced"),
            (lambda path: path.write_bytes(path.read_bytes() + b"x"), "changed or replaced"),
        ],
        ids=["deleted", "replaced", "emptied", "continued"],
    )
    @pytest.mark.parametrize("lines", [[B], [BROKEN], []], ids=["by a line", "by a failure", "at its end"])
    def test_ends_the_run(
        self, path: Path, change: Callable[[Path], object], complaint: str, lines: list[Line]
    ) -> None:
        contents: list[bytes] = []

        def write() -> None:
            with OutputFile(str(path)) as file:
                file.write(A)
                change(path)
                contents.extend(path.read_bytes() for path in [path] if path.exists())
                for line in lines:
                    file.write(line)

        with pytest.raises(OSError, match=complaint) as raised:
            write()

        assert str(path) in str(raised.value)
        assert [path.read_bytes() for path in [path] if path.exists()] == contents


class TestKill:
    @pytest.mark.usefixtures("fast_disk")
    def test_leaves_each_function_once_after_any_byte(
        self, path: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        contents = []

        def write(fd: int, data: bytes) -> int:
            written = disk.write(fd, data[:1])
            contents.append(path.read_bytes())
            return written

        def truncate(fd: int, size: int, real: Callable[[int, int], None] = os.ftruncate) -> None:
            real(fd, size)
            contents.append(path.read_bytes())

        path.write_bytes(text(A, BROKEN))
        with monkeypatch.context() as watching:
            watching.setattr(os, "write", write)
            watching.setattr(os, "ftruncate", truncate)
            write_all(path)
        assert len(contents) > len(B.text)
        for content in contents:
            path.write_bytes(content)
            finish(path)

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a system that can fork")
    def test_at_any_moment_and_a_disk_that_fills_up_leave_each_function_once(
        self, account: Account, tmp_path: Path
    ) -> None:
        chance = random.Random("output file")
        ends: Counter[str] = Counter()
        runs = itertools.count()
        while ends["killed"] < KILLS:
            prefix = f"{ends.total()}"
            names = [f"{chance.choice(KINDS)}-{prefix}-{n}-pages-3" for n in range(FUNCTIONS)]
            (tmp_path / "names").write_text("\n".join(names))
            path = tmp_path / prefix
            argv = ["--functions-from", str(tmp_path / "names"), "--output-file", str(path)]
            argv += ["--endpoint-url", account.url]
            argv += [word for region in REGIONS for word in ("--region", region)]
            pairs = {(name, region) for name in names for region in REGIONS}
            finished: list[bytes] = []
            code = None
            while code != 0:
                asked = account.asked_pairs()
                fills_up = next(runs) % 3 == 2
                to_be_killed = ends["killed"] < KILLS and not fills_up
                moment = chance.uniform(0, LONGEST_RUN) if to_be_killed else LONGEST
                size = path.stat().st_size if path.exists() else 0
                limit = size + chance.randint(0, ROOM) if fills_up else None

                code = forked(moment, slow_disk.run, argv, limit)

                assert code in ENDS
                assert to_be_killed or code != -signal.SIGKILL
                ends[ENDS[code]] += 1
                now = account.asked_pairs()
                assert all(asked[pair] == now[pair] for pair in map(pair_of, finished))
                *whole, torn = path.read_bytes().split(b"\n") if path.exists() else [b""]
                ends["in the middle of a line"] += code == -signal.SIGKILL and torn != b""
                assert code == -signal.SIGKILL or not torn
                assert len({pair_of(line) for line in whole}) == len(whole)
                before, finished = finished, [line for line in whole if b',"Error":{' not in line]
                assert finished[: len(before)] == before
            assert {pair_of(line) for line in finished} == pairs
            assert len(finished) == len(pairs)
            ends["files"] += 1
        print(dict(ends))  # noqa: T201


def pair_of(line: bytes) -> Function:
    found = json.loads(line)
    return found["FunctionName"], found["Region"]
