"""Runs the command, for one function or many.

lambda-event-invoke-configs my-function --max-items 10
lambda-event-invoke-configs --local --output jsonl
lambda-event-invoke-configs --functions-from names.txt --output-file found.jsonl
"""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, redirect_stdout, suppress
from itertools import islice
from typing import TYPE_CHECKING, Any, TextIO, cast

from .arguments import INSTALL_EXTRA, parse
from .exit_status import UsageError, report
from .output import FORMATS, OutputSettings, output, output_members, output_settings
from .terminal import log_to_stderr, print_error

if TYPE_CHECKING:
    import argparse

    from .._sync.client import Client, PageIterator
    from ..types import PaginateRequest, PaginatorConfig
    from .output import Output

_LOCAL_CONFIGURATIONS = 120
_LOCAL_REGION = "us-east-1"
_NO_SETTINGS = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command with these arguments (default: the process's); returns the exit code.

    0; 1 if some of many functions failed; 252 for a usage error; 253 for a configuration or credentials that
    cannot be used; 254 for an error of the service; 255 for any other failure, such as a closed pipe; 130
    after Ctrl-C.
    """
    # Python sets a stream to None if its descriptor is closed, as by >&-.
    if cast("object", sys.stderr) is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - until the process ends
    if cast("object", sys.stdout) is None:
        return report(OSError(errno.EBADF, "standard output is closed"))
    with redirect_stdout(_buffered(sys.stdout)):
        try:
            args = parse(argv)
        except SystemExit as done:
            code = int(done.code or 0)
        else:
            with log_to_stderr(debug=args.debug):
                code = _run(args)
        try:
            sys.stdout.flush()
        except OSError as error:
            code = code or report(error)
            _discard(sys.stdout)
    try:
        sys.stderr.flush()
    except OSError:
        _discard(sys.stderr)
    return code


def _run(args: argparse.Namespace) -> int:
    try:
        with ExitStack() as stack:
            return _list_functions(args, stack) if args.many else _list_function(args, stack)
    except (Exception, KeyboardInterrupt) as error:
        return report(error)


def _list_function(args: argparse.Namespace, stack: ExitStack) -> int:
    if args.local:
        settings = OutputSettings(args.output or FORMATS[0])
    else:
        settings = output_settings(args.output, args.profile, os.environ)
    try:
        output_format = output(settings.format, args.query, args.color)
    except ImportError:
        raise UsageError(f"--output {settings.format} needs rich: {INSTALL_EXTRA}") from None
    client = stack.enter_context(_client(args, args.regions[0]))
    return _write_pages(_pages(client, args), output_format, only_one=args.no_paginate, epoch=settings.epoch)


def _list_functions(args: argparse.Namespace, stack: ExitStack) -> int:
    from .many import list_many

    clients = [stack.enter_context(_client(args, region)) for region in args.regions]
    by_region = {client.meta.region_name: client for client in clients}
    if len(by_region) < len(clients):  # by its pseudo-region, such as fips-us-east-1
        raise UsageError(f"--region {', '.join(args.regions)}: two of these are the same")
    return list_many(by_region, args)


@contextmanager
def _client(args: argparse.Namespace, region: str | None) -> Iterator[Client]:
    from .._settings.config import Config
    from .._sync.client import Client

    options: dict[str, Any] = {
        "connect_timeout": args.cli_connect_timeout or None,
        "read_timeout": args.cli_read_timeout or None,
    }
    if args.many:
        options["max_pool_connections"] = args.max_concurrency
    if args.no_sign_request:
        from .._protocol.signing import UNSIGNED

        options["signature_version"] = UNSIGNED
    if not args.local:
        with Client(
            region,
            profile_name=args.profile,
            endpoint_url=args.endpoint_url,
            verify=False if args.no_verify_ssl else args.ca_bundle,
            config=Config(**options),
        ) as client:
            yield client
        return
    from ..local import LocalLambda

    configurations = dict.fromkeys(args.names, _LOCAL_CONFIGURATIONS)

    class LocalClient(Client):
        _environ = _NO_SETTINGS  # a profile that AWS_PROFILE names would have to exist

    with (
        LocalLambda(configurations, region_name=region or _LOCAL_REGION) as lam,
        LocalClient(**lam.client_options, config=Config(**options, proxies={})) as client,
    ):
        yield client


def _pages(client: Client, args: argparse.Namespace) -> PageIterator:
    config = {"StartingToken": args.starting_token, "PageSize": args.page_size, "MaxItems": args.max_items}
    if args.no_paginate:
        # The page must not be cut: its NextMarker comes after all of it.
        from ..types import MAX_PAGE_SIZE

        most = config.pop("MaxItems")
        sizes = [args.page_size, None if most is None else min(most, MAX_PAGE_SIZE)]
        config["PageSize"] = min((size for size in sizes if size is not None), default=None)
    request: PaginateRequest = {
        "FunctionName": args.names[0],
        "PaginationConfig": cast("PaginatorConfig", config),
    }
    if args.marker is not None:
        request["Marker"] = args.marker
    return client.get_paginator("list_function_event_invoke_configs").paginate(**request)


def _write_pages(pages: PageIterator, output: Output, *, only_one: bool, epoch: bool) -> int:
    start = token = pages.resume_token
    try:
        for page in islice(pages, 1 if only_one else None):
            output.add(output_members(page, marker=only_one, epoch=epoch))
            # After the write: a page whose write is interrupted is listed again, and not lost.
            token = pages.resume_token
    except OSError:
        raise  # from the output: nothing more can be written
    except (Exception, KeyboardInterrupt) as error:
        if token == start and _is_refused(error):
            token = None  # the same token would be refused again
        try:
            output.end(token)
            sys.stdout.flush()
        finally:
            code = report(error)
            if token:
                print_error(f"To continue: --starting-token {token}")
        return code
    output.end(None if only_one else token)
    if token and not (output.shows_token and (not only_one or _is_a_marker(token))):
        print_error(f"NextToken: {token}")
    return 0


def _is_refused(error: BaseException) -> bool:
    from ..exceptions import InvalidParameterValueException

    return isinstance(error, InvalidParameterValueException)


def _is_a_marker(token: str) -> bool:
    # If the starting token skips more than this page, its NextMarker does not skip the rest.
    from .._protocol.pagination import decode_token

    return decode_token(token).skip is None


def _buffered(output: TextIO) -> TextIO:
    """Standard output, wrapped if it has no buffer (PYTHONUNBUFFERED, `python -u`).

    Without a buffer, Python silently loses the part of a write that a pipe or a disk does not accept at once.
    """
    if not isinstance(getattr(output, "buffer", None), io.RawIOBase):
        return output
    return open(output.fileno(), "w", encoding=output.encoding, errors=output.errors, closefd=False)


def _discard(output: TextIO) -> None:
    """Discard the rest of the stream's buffer, which the interpreter flushes at shutdown.

    Source: https://docs.python.org/3/library/signal.html#note-on-sigpipe
    """
    # fileno() raises an OSError too, if there is no file.
    with suppress(OSError):
        fileno = output.fileno()
        devnull = os.open(os.devnull, os.O_WRONLY)
        os.dup2(devnull, fileno)
        os.close(devnull)
