"""Fetch a published checkpoint: over https alone, whole and verified or not at all."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from http.client import HTTPException, HTTPMessage
from pathlib import Path
from typing import IO, Any, Final
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from filelock import FileLock
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from harness.weights.catalogue import Checkpoint, WeightsError

_SILENCE_SECONDS: Final = 30.0
"""How long a server may say nothing."""
_LOCK_SECONDS: Final = 3600.0
"""How long another process may take that downloads the same file."""
_BLOCK_BYTES: Final = 2**20


class _HttpsOnly(HTTPRedirectHandler):
    """Follows a redirect only where it stays encrypted."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> Request | None:
        if urlsplit(newurl).scheme != "https":
            raise URLError(f"it leads on to {newurl}, which is not https")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def open_url(url: str) -> Any:
    """Open an address for reading, following redirects to https only.

    Raises:
        OSError: If it cannot be reached, or leads elsewhere.
    """
    return build_opener(_HttpsOnly).open(url, timeout=_SILENCE_SECONDS)


def fetch(checkpoint: Checkpoint, folder: Path, *, open_url: Callable[[str], Any] = open_url) -> Path:
    """Download a checkpoint into a folder, where no other process has done it meanwhile.

    Args:
        checkpoint: What; its address is https, as the catalogue demands.
        folder: Where to; made where it is missing.
        open_url: Opens an address, for tests.

    Returns:
        The file, under its usual name: it only stands there once size and checksum are right.

    Raises:
        WeightsError: If it cannot be fetched or written, or is not the published one.
    """
    path = folder / checkpoint.file
    part = folder / f".{checkpoint.file}.part"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / f".{checkpoint.file}.lock", timeout=_LOCK_SECONDS):
            if not path.exists():
                try:
                    _download(checkpoint, part, open_url)
                    part.replace(path)
                finally:
                    part.unlink(missing_ok=True)
    except (OSError, HTTPException) as error:  # no network, no space, a lock that is held for too long
        if isinstance(error, HTTPError):
            error.close()
        raise WeightsError(f"{checkpoint.url} could not be fetched to {path}: {error}") from error
    return path


def _download(checkpoint: Checkpoint, part: Path, open_url: Callable[[str], Any]) -> None:
    algorithm, _, expected = checkpoint.checksum.partition(":")
    summed = hashlib.new(algorithm, usedforsecurity=False)
    written = 0
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    console.print(f"fetching {checkpoint.url} ({checkpoint.size / 1e6:.0f} MB; {checkpoint.licence})")
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with (
        Progress(*columns, console=console, disable=not console.is_terminal) as progress,
        open_url(checkpoint.url) as response,
        part.open("wb") as file,
    ):
        task = progress.add_task(checkpoint.file, total=checkpoint.size)
        while written <= checkpoint.size and (block := response.read(_BLOCK_BYTES)):
            file.write(block)
            summed.update(block)
            written += len(block)
            progress.update(task, completed=written)
    if written != checkpoint.size:
        sent = f"{written:,} bytes or more" if written > checkpoint.size else f"only {written:,} bytes"
        raise WeightsError(f"{checkpoint.url} sent {sent}, expected {checkpoint.size:,}; nothing was kept, try again")
    observed = summed.hexdigest()[: len(expected)]
    if observed != expected:
        raise WeightsError(
            f"{checkpoint.url} sent a file with {algorithm} {observed}, expected {expected}; nothing was kept"
        )
