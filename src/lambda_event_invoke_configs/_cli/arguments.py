"""The command's options, and which of them cannot be combined.

Options that the AWS CLI has too have its names and meanings. docs/command.md compares them one by one.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NoReturn

from .._version import __version__
from .exit_status import USAGE, one_line
from .output import FORMATS, query
from .terminal import COLORS, PROG, print_error

if TYPE_CHECKING:
    from jmespath.parser import ParsedResult

_LOCAL_FUNCTION = "my-function"
INSTALL_EXTRA = "pip install 'lambda-event-invoke-configs[cli]'"
_SHELLS = ("bash", "zsh", "fish")
_DEFAULT_TIMEOUT = 60  # seconds
_DEFAULT_CONCURRENCY = 10  # functions
_OF_ONE_FUNCTION = ("--max-items", "--page-size", "--starting-token", "--marker", "--no-paginate", "--query")
_OPTIONS_OF_MANY = "--functions-from, --max-concurrency and --output-file"
_DESCRIPTION = """\
List the asynchronous-invocation configurations of Lambda functions. Options,
output formats and exit codes are those of the AWS CLI, as far as they apply."""
_EPILOG = f"""\
many functions:
  With several functions or regions, or one of
  {_OPTIONS_OF_MANY},
  the output is a line of JSON for each function and region, as it completes.
  With --output-file, the same command continues a run that was killed or that
  filled the disk: it skips completed functions and lists failed ones again.

examples:
  All configurations of one function, as JSON:
    {PROG} my-function
  The first ten, as a table; the NextToken to continue is printed too:
    {PROG} my-function --max-items 10 --output table
  The names of all functions come from the AWS CLI:
    aws lambda list-functions --query 'Functions[].FunctionName' --output text |
      {PROG} --functions-from - > found.jsonl
  Without an AWS account:
    {PROG} --local

exit codes:
  0    everything was listed
  1    some of many functions failed
  130  interrupted by Ctrl-C
  252  usage error: an option, a parameter or a file that was named
  253  the configuration or the credentials cannot be used
  254  the service returned an error
  255  any other failure, such as no connection

documentation:
  docs/command.md in the source distribution: every option, and how the command
  differs from the AWS CLI
"""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        print_error(f"{self.prog}: error: {message}")
        self.exit(USAGE)


class _PrintCompletion(argparse.Action):
    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: object,
        option_string: str | None = None,
    ) -> None:
        try:
            import shtab
        except ImportError:
            parser.error(f"{option_string} needs shtab: {INSTALL_EXTRA}")
        # Not `parser`, whose positional arguments parse_intermixed_args() hides while it parses.
        whole = make_parser()
        for action in whole._actions:
            if action.metavar == "FILE":
                action.complete = shtab.FILE  # type: ignore[attr-defined]
        sys.stdout.write(f"{shtab.complete(whole, str(values))}\n")
        parser.exit()


def make_parser() -> argparse.ArgumentParser:
    """A parser of all options; `parse()` also checks which of them go together."""
    parser = _Parser(
        prog=PROG,
        usage="%(prog)s [OPTION]... FUNCTION_NAME...\n       %(prog)s --help",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
        add_help=False,
    )
    _add_functions(parser.add_argument_group("functions"))
    _add_pagination(parser.add_argument_group("pagination"))
    _add_output(parser.add_argument_group("output"))
    _add_connection(parser.add_argument_group("region, credentials and connection"))
    _add_other(parser.add_argument_group("other"))
    _add_without_effect(
        parser.add_argument_group("accepted for compatibility with the AWS CLI, without effect")
    )
    return parser


def _add_functions(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("names", nargs="*", metavar="FUNCTION_NAME", help="name, ARN or partial ARN of a function")
    add(
        "--function-name",
        dest="named",
        action="append",
        default=[],
        metavar="NAME",
        help="the same; may be repeated, and each function is listed",
    )
    add(
        "--functions-from",
        metavar="FILE",
        help="read names from FILE as needed, separated by white space; - is standard input",
    )
    add(
        "--max-concurrency",
        type=_whole_number(1),
        metavar="N",
        help=f"functions at the same time in each region (default: {_DEFAULT_CONCURRENCY})",
    )
    add(
        "--output-file",
        metavar="FILE",
        help="append the output to FILE; when rerun, skip the functions that are completed there",
    )
    add(
        "--keep-going",
        action="store_true",
        help="continue if the service refuses the credentials of the first function",
    )


def _add_pagination(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--max-items", type=_whole_number(0), metavar="N", help="configurations to print at most")
    add("--page-size", type=_whole_number(1), metavar="N", help="configurations in a request, 1 to 50")
    add(
        "--starting-token",
        type=_starting_token,
        metavar="TOKEN",
        help="continue from a NextToken, or from a NextMarker",
    )
    add(
        "--no-paginate",
        action="store_true",
        help="send one request only: the first page, with its NextMarker",
    )
    add("--marker", help="one page, as with --no-paginate, from this NextMarker on")


def _add_output(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add(
        "--output",
        choices=FORMATS,
        help=f"{', '.join(FORMATS)} (default: AWS_DEFAULT_OUTPUT, the profile's output, json); "
        "jsonl and text are printed page by page",
        metavar="FORMAT",
    )
    add(
        "--color",
        choices=COLORS,
        default="auto",
        metavar="WHEN",
        help="color the table: on, off, or auto, the default: on a terminal, unless NO_COLOR is set",
    )
    add(
        "--query",
        type=_expression,
        metavar="JMESPATH",
        help="print the result of this expression; with jsonl and text, for each page",
    )


def _add_connection(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add(
        "--region",
        dest="regions",
        action="append",
        metavar="REGION",
        help="may be repeated; each function is listed in every region (default: AWS_DEFAULT_REGION, "
        "AWS_REGION, the profile's)",
    )
    add("--profile", help="profile of the shared config files")
    add("--endpoint-url", metavar="URL", help="endpoint in place of the service's own")
    add("--no-sign-request", action="store_true", help="send requests without credentials or signature")
    add("--no-verify-ssl", action="store_true", help="do not verify TLS certificates")
    add("--ca-bundle", metavar="FILE", help="CA certificates to verify TLS certificates with")
    for what in ("connect", "read"):
        add(
            f"--cli-{what}-timeout",
            type=_whole_number(0),
            default=_DEFAULT_TIMEOUT,
            metavar="SECONDS",
            help=f"{what} timeout (default: {_DEFAULT_TIMEOUT}); 0 for no limit",
        )


def _add_other(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--local", action="store_true", help="list made-up configurations, from an embedded endpoint")
    add("--debug", action="store_true", help="write debug logs to stderr")
    add(
        "--print-completion",
        action=_PrintCompletion,
        choices=_SHELLS,
        metavar="SHELL",
        help=f"print a completion script for {', '.join(_SHELLS)} and exit",
    )
    add("--version", action="version", version=f"%(prog)s {__version__}", help="print the version and exit")
    add("-h", "--help", action="help", help="print this text and exit")


def _add_without_effect(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--no-cli-pager", action="store_true", help="there is no pager")
    add("--no-cli-auto-prompt", action="store_true", help="there is no prompt")
    add(
        "--cli-binary-format",
        choices=("base64", "raw-in-base64-out"),
        metavar="FORMAT",
        help="there are no binary parameters",
    )


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """The command's arguments, checked.

    Raises SystemExit, after a usage error, `--help`, `--version` or `--print-completion`.
    """
    parser = make_parser()
    argv = list(sys.argv[1:] if argv is None else argv)
    end = argv.index("--") if "--" in argv else len(argv)
    args = parser.parse_intermixed_args(argv[:end])
    args.names += args.named
    args.names += argv[end + 1 :]  # parse_intermixed_args() takes names that begin with "-" for options
    _check(parser, args)
    return args


def _check(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    if args.functions_from is not None and (args.names or args.local):
        parser.error("--functions-from cannot be combined with FUNCTION_NAME or --local")
    if not args.names and args.functions_from is None:
        if not args.local:
            parser.error("FUNCTION_NAME or --functions-from is required, except with --local")
        args.names = [_LOCAL_FUNCTION]
    if args.local and (args.profile is not None or args.endpoint_url is not None):
        parser.error("--local cannot be combined with --profile or --endpoint-url")
    if args.ca_bundle is not None and not args.no_verify_ssl and not os.path.exists(args.ca_bundle):
        parser.error(f"argument --ca-bundle: no such file: {args.ca_bundle!r}")
    args.regions = list(dict.fromkeys(args.regions or [None]))
    many = len(args.names) != 1 or len(args.regions) > 1
    args.many = many or args.max_concurrency is not None or args.output_file is not None
    if args.many:
        _check_many(parser, args)
        return
    if not args.names[0]:
        parser.error("FUNCTION_NAME must not be empty")
    if args.marker is not None and args.starting_token is not None:
        parser.error("--marker cannot be combined with --starting-token")
    args.no_paginate |= args.marker is not None


def _check_many(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    for option in _OF_ONE_FUNCTION:
        value = getattr(args, option[2:].replace("-", "_"))
        if value is not None and value is not False:
            parser.error(f"{option} is for one function in one region, without {_OPTIONS_OF_MANY}")
    if args.output not in (None, "jsonl"):
        parser.error(f"--output {args.output} is for one function: the output of many is jsonl")
    if args.max_concurrency is None:
        args.max_concurrency = _DEFAULT_CONCURRENCY


def _whole_number(least: int) -> Callable[[str], int]:
    def convert(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = least - 1
        if number < least:
            raise argparse.ArgumentTypeError(
                f"invalid value: {text!r}, must be a whole number, {least} or more"
            )
        return number

    return convert


def _starting_token(text: str) -> str:
    from .._protocol.pagination import decode_token
    from ..exceptions import StartingTokenError

    try:
        decode_token(text)
    except StartingTokenError:
        raise argparse.ArgumentTypeError(
            f"invalid value: {text!r}, must be a NextToken or a NextMarker of an earlier run"
        ) from None
    return text


def _expression(text: str) -> ParsedResult:
    try:
        return query(text)
    except (ValueError, RecursionError) as error:
        raise argparse.ArgumentTypeError(one_line(error)) from None
