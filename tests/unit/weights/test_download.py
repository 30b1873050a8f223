"""Downloads from a server on this machine: verified, whole or not at all, and never away from https."""

from __future__ import annotations

import hashlib
import io
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.client import HTTPMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.error import URLError
from urllib.request import Request, urlopen

import pytest

from harness.weights import download
from harness.weights.catalogue import Checkpoint, WeightsError, catalogue
from harness.weights.download import fetch

CONTENT = bytes(range(256)) * 9000
"""More than one block."""
SERVER_SECONDS = 5


class Server(BaseHTTPRequestHandler):
    requests: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.requests.append(self.path)
        if self.path == "/away":
            self.send_response(302)
            self.send_header("Location", f"http://{self.headers['Host']}/whole")
            self.end_headers()
            return
        if self.path == "/missing":
            self.send_error(404, "not here")
            return
        body = {"/half": CONTENT[: len(CONTENT) // 2], "/more": CONTENT * 3}.get(self.path, CONTENT)
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))  # what /half promises and does not keep
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join(SERVER_SECONDS)


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")
    Server.requests.clear()


@pytest.fixture
def checkpoint(address: str) -> Checkpoint:
    checksum = "md5:" + hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()
    return replace(
        catalogue()["keras-vgg16"], file="w.h5", url=f"{address}/whole", size=len(CONTENT), checksum=checksum
    )


def open_plain(url: str) -> Any:
    """The server here cannot speak https."""
    return urlopen(url, timeout=SERVER_SECONDS)  # noqa: S310


def refused(checkpoint: Checkpoint, folder: Path, message: str) -> None:
    """It fails, says so, and leaves nothing but the lock."""
    with pytest.raises(WeightsError, match=message) as caught:
        fetch(checkpoint, folder, open_url=open_plain)
    assert checkpoint.url in str(caught.value)
    assert [each.name for each in folder.iterdir() if not each.name.endswith(".lock")] == []


def test_a_file_is_fetched_once(checkpoint: Checkpoint, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "new" / "folder"
    for _ in range(2):
        path = fetch(checkpoint, folder, open_url=open_plain)
        assert path == folder / "w.h5"
        assert path.read_bytes() == CONTENT
    assert Server.requests == ["/whole"]
    output = capsys.readouterr()
    assert output.out == ""
    assert "Creative Commons" in output.err


def test_the_first_digits_of_a_checksum_are_enough(checkpoint: Checkpoint, tmp_path: Path) -> None:
    short = replace(checkpoint, checksum="sha256:" + hashlib.sha256(CONTENT).hexdigest()[:8])
    assert fetch(short, tmp_path, open_url=open_plain).read_bytes() == CONTENT


def test_another_checksum_is_refused(checkpoint: Checkpoint, tmp_path: Path) -> None:
    wrong = replace(checkpoint, checksum="sha256:00000000")
    digits = hashlib.sha256(CONTENT).hexdigest()[:8]
    refused(wrong, tmp_path, f"sha256 {digits}, expected 00000000; nothing was kept")


def test_a_connection_that_breaks_is_an_error(checkpoint: Checkpoint, address: str, tmp_path: Path) -> None:
    refused(replace(checkpoint, url=f"{address}/half"), tmp_path, "only 1,152,000 bytes, expected 2,304,000")


def test_a_server_that_sends_more_is_cut_short(checkpoint: Checkpoint, address: str, tmp_path: Path) -> None:
    class Endless:
        """Would send for ever."""

        def read(self, size: int) -> bytes:
            return b"x" * size

        def __enter__(self) -> Endless:
            return self

        def __exit__(self, *_: object) -> None:
            pass

    with pytest.raises(WeightsError, match="bytes or more, expected 2,304,000"):
        fetch(checkpoint, tmp_path, open_url=lambda url: Endless())
    assert not list(tmp_path.glob("*w.h5*part"))


def test_an_error_of_the_server_is_told(checkpoint: Checkpoint, address: str, tmp_path: Path) -> None:
    refused(replace(checkpoint, url=f"{address}/missing"), tmp_path, "404: not here")


def test_no_network_is_told(checkpoint: Checkpoint, tmp_path: Path) -> None:
    refused(replace(checkpoint, url="http://127.0.0.1:1/none"), tmp_path, "could not be fetched to")


def test_a_folder_that_cannot_be_written_is_told(checkpoint: Checkpoint, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(WeightsError, match="could not be fetched to"):
        fetch(checkpoint, tmp_path / "file", open_url=open_plain)


def test_what_an_interrupted_download_left_is_written_over(checkpoint: Checkpoint, tmp_path: Path) -> None:
    (tmp_path / ".w.h5.part").write_bytes(b"half of it")
    assert fetch(checkpoint, tmp_path, open_url=open_plain).read_bytes() == CONTENT
    assert not (tmp_path / ".w.h5.part").exists()


def test_an_interruption_leaves_nothing(checkpoint: Checkpoint, tmp_path: Path) -> None:
    def interrupt(url: str) -> Any:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(checkpoint, tmp_path, open_url=interrupt)
    assert not [each for each in tmp_path.iterdir() if "w.h5" in each.name and not each.name.endswith(".lock")]


def test_two_at_once_download_once(checkpoint: Checkpoint, tmp_path: Path) -> None:
    threads = [
        threading.Thread(target=fetch, args=(checkpoint, tmp_path), kwargs={"open_url": open_plain}) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SERVER_SECONDS)
    assert Server.requests == ["/whole"]


def test_a_redirect_away_from_https_is_refused(address: str) -> None:
    with pytest.raises(URLError, match=r"it leads on to http://.*/whole, which is not https"):
        download.open_url(f"{address}/away")
    assert Server.requests == ["/away"]


def test_a_redirect_to_https_is_followed(address: str) -> None:
    here = Request(f"{address}/away")  # noqa: S310
    onward = download._HttpsOnly().redirect_request(
        here, io.BytesIO(), 302, "", HTTPMessage(), "HTTPS://example.org/w.h5"
    )
    assert onward is not None
    assert onward.full_url == "HTTPS://example.org/w.h5"
