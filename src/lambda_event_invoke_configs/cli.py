"""The command `lambda-event-invoke-configs`: options, exit codes and output formats of the AWS CLI.

    lambda-event-invoke-configs my-function --max-items 10
    lambda-event-invoke-configs --local --output jsonl

What takes long to load is imported when it is needed: `--help` loads neither httpx nor botocore.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from typing import TYPE_CHECKING, Any, NoReturn, cast

from ._version import __version__
from .exit_status import PROG, USAGE, one_line, report
from .output import FORMATS, output, query, shown

if TYPE_CHECKING:
    from jmespath.parser import ParsedResult

    from .output import Output
    from .sync import Client, PageIterator
    from .types import PaginatorConfig

_LOCAL_FUNCTION = "my-function"
_LOCAL_CONFIGURATIONS = 120
_LOCAL_REGION = "us-east-1"
_DEFAULT_TIMEOUT = 60  # seconds


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command with these arguments (default: the process's); returns the exit code.

    0; 252 for a usage error; 253 for a configuration or credentials that cannot be used; 254 when the
    service refused; 255 for any other failure, a closed pipe included; 130 after Ctrl-C.
    """
    try:
        args = _parse(argv)
    except SystemExit as done:
        code = int(done.code or 0)
    else:
        with _debug_log(args.debug):
            code = _run(args)
    try:
        sys.stdout.flush()
    except OSError as error:
        code = code or report(error)
        _discard_output()
    return code


def entry_point() -> NoReturn:
    """Run the command and end the process."""
    sys.exit(main())


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(USAGE, f"{self.prog}: error: {message}\n")


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = _Parser(
        prog=PROG,
        usage="%(prog)s [OPTION]... FUNCTION_NAME",
        description="List the configurations for asynchronous invocation of a Lambda function.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("function_name", nargs="?", metavar="FUNCTION_NAME", help="name, ARN or partial ARN of the function")
    add("--function-name", dest="named", metavar="FUNCTION_NAME", help="the same")
    add("--max-items", type=int, metavar="N", help="how many configurations at most, over all pages")
    add("--page-size", type=int, metavar="N", help="how many to ask the service for at a time, 1 to 50")
    add("--starting-token", metavar="TOKEN", help="a NextToken, to go on from there")
    add("--no-paginate", action="store_true", help="one request only: the first page")
    add("--query", type=_expression, metavar="JMESPATH", help="what to show of the result, or of each page")
    add("--output", choices=FORMATS, default="json", help="default: json; jsonl and text come as they arrive")
    add("--region", help="default: AWS_DEFAULT_REGION, AWS_REGION, the profile's")
    add("--profile", help="of the shared config files")
    add("--endpoint-url", metavar="URL", help="in place of the service's own")
    add("--no-verify-ssl", action="store_true", help="do not verify TLS certificates")
    add("--ca-bundle", metavar="FILE", help="certificates to verify TLS certificates with")
    for what in ("connect", "read"):
        add(
            f"--cli-{what}-timeout",
            type=int,
            default=_DEFAULT_TIMEOUT,
            metavar="SECONDS",
            help=f"default: {_DEFAULT_TIMEOUT}; 0 for none",
        )
    add("--local", action="store_true", help="list made-up configurations, from an embedded endpoint")
    add("--debug", action="store_true", help="log what is done to standard error")
    add("--version", action="version", version=f"%(prog)s {__version__}")
    return _checked(parser, parser.parse_args(argv))


def _checked(parser: _Parser, args: argparse.Namespace) -> argparse.Namespace:
    names = [name for name in (args.function_name, args.named) if name is not None]
    if len(names) > 1:
        parser.error("FUNCTION_NAME is given twice")
    if not names and not args.local:
        parser.error("FUNCTION_NAME is required, except with --local")
    args.function_name = names[0] if names else _LOCAL_FUNCTION
    if args.local and (args.profile is not None or args.endpoint_url is not None):
        parser.error("--local takes neither --profile nor --endpoint-url: it has its own")
    try:
        args.format = output(args.output, args.query)
    except ImportError:
        parser.error(f"--output table needs rich: pip install '{PROG}[cli]'")
    return args


def _expression(text: str) -> ParsedResult:
    try:
        return query(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(one_line(error)) from None


def _run(args: argparse.Namespace) -> int:
    try:
        with _client(args) as client:
            return _list(_pages(client, args), args.format, only_one=args.no_paginate)
    except (Exception, KeyboardInterrupt) as error:
        return report(error)


@contextmanager
def _client(args: argparse.Namespace) -> Iterator[Client]:
    from .config import Config
    from .sync import Client

    timeouts: dict[str, Any] = {
        "connect_timeout": args.cli_connect_timeout or None,
        "read_timeout": args.cli_read_timeout or None,
    }
    if not args.local:
        with Client(
            args.region,
            profile_name=args.profile,
            endpoint_url=args.endpoint_url,
            verify=False if args.no_verify_ssl else args.ca_bundle,
            config=Config(**timeouts),
        ) as client:
            yield client
        return
    from .local import LocalLambda

    configurations = {args.function_name: _LOCAL_CONFIGURATIONS}
    with LocalLambda(configurations, region_name=args.region or _LOCAL_REGION) as lam:
        with _no_settings_of_the_user():
            local = Client(**lam.client_options, config=Config(**timeouts, proxies={}))
        with local:
            yield local


@contextmanager
def _no_settings_of_the_user() -> Iterator[None]:
    """Hide AWS's variables and files for a while.

    No argument of a client's does: a profile that AWS_PROFILE names must exist, whoever needs it.
    """
    hidden = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("AWS_")}
    files = ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE")
    os.environ.update(dict.fromkeys(files, os.devnull))
    try:
        yield
    finally:
        for name in files:
            del os.environ[name]
        os.environ.update(hidden)


def _pages(client: Client, args: argparse.Namespace) -> PageIterator:
    config = {"StartingToken": args.starting_token, "PageSize": args.page_size, "MaxItems": args.max_items}
    if args.no_paginate:
        # What is cut off the only page would be lost: its NextMarker points behind it.
        sizes = [size for size in (args.page_size, config.pop("MaxItems")) if size is not None]
        config["PageSize"] = min(sizes, default=None)
    paginator = client.get_paginator("list_function_event_invoke_configs")
    return paginator.paginate(
        FunctionName=args.function_name, PaginationConfig=cast("PaginatorConfig", config)
    )


def _list(pages: PageIterator, output: Output, *, only_one: bool) -> int:
    token = pages.resume_token
    try:
        for page in islice(pages, 1 if only_one else None):
            output.add(shown(page, marker=only_one))
            # Not before: what is interrupted in between comes twice, rather than never.
            token = pages.resume_token
    except OSError:
        raise  # the output's: nothing more can be written
    except (Exception, KeyboardInterrupt) as error:
        try:
            output.end(token)
            sys.stdout.flush()
        finally:
            code = report(error)
            if token:
                sys.stderr.write(f"To continue: --starting-token {token}\n")
        return code
    output.end(None if only_one else token)
    if token and not output.shows_token:
        sys.stderr.write(f"NextToken: {token}\n")
    return 0


@contextmanager
def _debug_log(enabled: bool) -> Iterator[None]:
    if not enabled:
        yield
        return
    # This package's loggers and no others: botocore logs secrets at DEBUG.
    package = logging.getLogger(__package__)
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(name)s %(levelname)s %(message)s"))
    level = package.level
    package.addHandler(handler)
    package.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        package.setLevel(level)
        package.removeHandler(handler)


def _discard_output() -> None:
    """Let the interpreter flush at shutdown what standard output did not take.

    Source: https://docs.python.org/3/library/signal.html#note-on-sigpipe
    """
    # Standard output may be no file at all: fileno() then raises an OSError too.
    with suppress(OSError):
        stdout = sys.stdout.fileno()
        devnull = os.open(os.devnull, os.O_WRONLY)
        os.dup2(devnull, stdout)
        os.close(devnull)
