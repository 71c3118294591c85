"""The TLS options that every simulator's command has."""

from __future__ import annotations

import argparse
from pathlib import Path

from simulators.serving import Tls


def add_tls(parser: argparse.ArgumentParser, use: str = "PEM; serves TLS together with --key") -> None:
    """Add the options. ``use``: what the certificate is for."""
    parser.add_argument("--certificate", type=Path, help=use)
    parser.add_argument("--key", type=Path)
    parser.add_argument("--client-ca", type=Path, help="PEM; clients must show a certificate signed by it")


def check_tls(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> None:
    """Refuse half of a pair of files; ends the process."""
    if (arguments.certificate is None) != (arguments.key is None):
        parser.error("--certificate and --key belong together")


def tls_of(arguments: argparse.Namespace) -> Tls | None:
    """Give the TLS that was asked for, None for plain HTTP."""
    return Tls(arguments.certificate, arguments.key, arguments.client_ca) if arguments.certificate else None
