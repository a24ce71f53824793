"""The sizes of this library and boto3: as installed, slimmed (docs/deploying.md), and zipped."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import bundle
from environment import Environment, listing
from table import Row, compared

LIMIT, AIM = 6, 5  # MB
# The botocore data that boto3 needs when it is slimmed with the same recipe.
KEEP_FOR_BOTO3 = "endpoints.json partitions.json sdk-default-configuration.json _retry.json lambda"


def rows(folder: Path, environment: Environment, wheel: Path, url: str) -> list[Row]:
    """environment: whose pip installs. url: of a page server; each bundle lists from it before it counts."""
    boto3 = _installed(folder / "boto3", environment, "boto3")
    whole = _installed(folder / "whole", environment, str(wheel))
    every = " ".join(dict.fromkeys(" ".join(bundle.to_keep().values()).split()))
    small = _cut_down(whole, folder / "small")
    slim = _cut_down(boto3, folder / "slim", KEEP_FOR_BOTO3)
    roles = _cut_down(whole, folder / "roles", every)
    python = _bare(folder / "bare")
    for client, made in (("ours", small), ("ours", roles), ("boto3", slim)):
        Environment(python, made).run("-B", *listing(client, url, 1, 1))
    found = [_row("bundle, slimmed", small, slim, limit=LIMIT)]
    found.append(_row("bundle, slimmed, with role, web identity and SSO", roles, slim, limit=LIMIT + 0.2))
    found.append(_row("bundle, as installed", whole, boto3))
    for name, ours, theirs in (("slimmed", small, slim), ("as installed", whole, boto3)):
        here, there = (_zipped(each) / 1e6 for each in (ours, theirs))
        found.append(compared(f"zipped bundle, {name}", "size", here, "boto3", there, "MB"))
    return found


def small_bundle(folder: Path) -> Environment:
    """The smallest of the bundles that `rows()` has made there, alone."""
    return Environment(folder / "bare" / "bin" / "python", folder / "small" / "bundle")


def beside(package: str, folder: Path, environment: Environment, wheel: Path) -> Row:
    """This library and a package, each as installed."""
    whole, theirs = (
        bundle.size_on_disk(_installed(folder / f"beside-{package}-{n}", environment, what)) / 1e6
        for n, what in enumerate((str(wheel), package))
    )
    return compared("installation", "size", whole, package, theirs, "MB")


def _row(name: str, ours: Path, theirs: Path, limit: float | None = None) -> Row:
    here, there = (bundle.size_on_disk(each) / 1e6 for each in (ours, theirs))
    shown = f"{here:.2f} MB (boto3: {there:.2f} MB)"
    return Row(name, "size", shown, here, limit, " MB", AIM if limit else None, fails_above=limit)


def _installed(folder: Path, environment: Environment, *what: str) -> Path:
    made = folder / "bundle"
    environment.pip("install", "--no-compile", "--target", str(made), *what)
    return made


def _cut_down(installed: Path, folder: Path, keep: str = "") -> Path:
    made = folder / "bundle"
    shutil.copytree(installed, made)
    certificates = (made / "botocore" / "cacert.pem").read_bytes()
    bundle.cut_down(made, keep)
    if not (made / "certifi").exists():  # boto3
        (made / "botocore" / "cacert.pem").write_bytes(certificates)
        shutil.rmtree(made / "boto3" / "data")  # of its resources, which a client does not need
    return made


def _bare(folder: Path) -> Path:
    """A Python without packages."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    return folder / "bin" / "python"


def _zipped(directory: Path) -> int:
    archive = shutil.make_archive(str(directory.parent / "zipped"), "zip", directory)
    return Path(archive).stat().st_size
