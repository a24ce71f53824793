"""The command's options: what there is, and what does not go together."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

from .._version import __version__
from .exit_status import PROG, USAGE, one_line
from .output import FORMATS, output, query

if TYPE_CHECKING:
    from jmespath.parser import ParsedResult

LOCAL_FUNCTION = "my-function"
_DEFAULT_TIMEOUT = 60  # seconds
_DEFAULT_CONCURRENCY = 10  # functions
_OF_ONE_FUNCTION = ("--max-items", "--page-size", "--starting-token", "--no-paginate", "--query")
_OPTIONS_OF_MANY = "--functions-from, --max-concurrency and --output-file"
_EPILOG = f"""\
With several functions or regions, or one of {_OPTIONS_OF_MANY}, the output is a line
of JSON for each function and region, as it completes; the exit code is 1 if one of them failed. With
--output-file, a run that was killed, or that filled the disk, is continued by the same command: functions
that are completed are skipped, functions that failed are listed again, and each has one line in FILE.
"""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(USAGE, f"{self.prog}: error: {message}\n")


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """The command's arguments, checked.

    Raises SystemExit, after a usage error, `--help` or `--version`.
    """
    parser = _Parser(
        prog=PROG,
        usage="%(prog)s [OPTION]... FUNCTION_NAME...",
        description="List the configurations for asynchronous invocation of Lambda functions.",
        epilog=_EPILOG,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("names", nargs="*", metavar="FUNCTION_NAME", help="name, ARN or partial ARN of a function")
    add("--function-name", dest="named", metavar="FUNCTION_NAME", help="the same")
    add("--max-items", type=int, metavar="N", help="how many configurations at most, over all pages")
    add("--page-size", type=int, metavar="N", help="how many to ask the service for at a time, 1 to 50")
    add("--starting-token", metavar="TOKEN", help="a NextToken, to go on from there")
    add("--no-paginate", action="store_true", help="one request only: the first page")
    add("--query", type=_expression, metavar="JMESPATH", help="what to show of the result, or of each page")
    add("--output", choices=FORMATS, help="default: json; jsonl and text come as they arrive")
    add(
        "--region",
        dest="regions",
        action="append",
        metavar="REGION",
        help="default: AWS_DEFAULT_REGION, AWS_REGION, the profile's; several are asked for each function",
    )
    add("--functions-from", metavar="FILE", help="names, one a line, read as needed; - is standard input")
    add("--max-concurrency", type=int, metavar="N", help="functions at a time for each region (default: 10)")
    add(
        "--output-file",
        metavar="FILE",
        help="append the output to FILE; when rerun, skip the functions that are completed there",
    )
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
    argv = list(sys.argv[1:] if argv is None else argv)
    end = argv.index("--") if "--" in argv else len(argv)
    args = parser.parse_intermixed_args(argv[:end])
    args.names += argv[end + 1 :]  # argparse would take those that begin with "-" for options
    return _checked(parser, args)


def _checked(parser: _Parser, args: argparse.Namespace) -> argparse.Namespace:
    if args.named is not None:
        if args.names:
            parser.error("FUNCTION_NAME is given twice")
        args.names = [args.named]
    if args.functions_from is not None and (args.names or args.local):
        parser.error("--functions-from takes neither FUNCTION_NAME nor --local beside it")
    if not args.names and args.functions_from is None:
        if not args.local:
            parser.error("FUNCTION_NAME or --functions-from is required, except with --local")
        args.names = [LOCAL_FUNCTION]
    if args.local and (args.profile is not None or args.endpoint_url is not None):
        parser.error("--local takes neither --profile nor --endpoint-url: it has its own")
    args.regions = list(dict.fromkeys(args.regions or [None]))
    many = len(args.names) != 1 or len(args.regions) > 1
    args.many = many or args.max_concurrency is not None or args.output_file is not None
    if args.many:
        _check_many(parser, args)
        return args
    try:
        args.format = output(args.output or "json", args.query)
    except ImportError:
        parser.error("--output table needs rich: pip install rich")
    return args


def _check_many(parser: _Parser, args: argparse.Namespace) -> None:
    for option in _OF_ONE_FUNCTION:
        if getattr(args, option[2:].replace("-", "_")) not in (None, False):
            parser.error(f"{option} is for one function in one region, without {_OPTIONS_OF_MANY}")
    if args.output not in (None, "jsonl"):
        parser.error(f"--output {args.output} is for one function: the output of many is jsonl")
    if args.max_concurrency is None:
        args.max_concurrency = _DEFAULT_CONCURRENCY
    if args.max_concurrency < 1:
        parser.error(f"argument --max-concurrency: invalid value: {args.max_concurrency}, must be 1 or more")


def _expression(text: str) -> ParsedResult:
    try:
        return query(text)
    except (ValueError, RecursionError) as error:
        raise argparse.ArgumentTypeError(one_line(error)) from None
