"""Starts the workers of the mutations with the session: they take a minute, which the other tests need not wait for."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from tests.meta.mutations.workers import Workers, where_is_missing

WORKERS = pytest.StashKey[Workers]()
FOLDER = pytest.StashKey[tempfile.TemporaryDirectory[str]]()


def pytest_collection_finish(session: pytest.Session) -> None:
    """One for each framework, and for what they share, that the chosen tests ask for."""
    cases = [item for item in session.items if isinstance(item, pytest.Function) and item.path.stem == "test_mutations"]
    wheres = dict.fromkeys(item.callspec.params["where"] for item in cases if hasattr(item, "callspec"))
    if session.config.option.collectonly or not cases:
        return
    folder = session.config.stash[FOLDER] = tempfile.TemporaryDirectory()
    workers = session.config.stash[WORKERS] = Workers(session.config, Path(folder.name))
    for where in wheres:
        if not where_is_missing(session.config, where):
            workers.start(where)


def pytest_sessionfinish(session: pytest.Session) -> None:
    if WORKERS in session.config.stash:
        session.config.stash[WORKERS].stop()
        session.config.stash[FOLDER].cleanup()


@pytest.fixture(scope="session")
def workers(pytestconfig: pytest.Config) -> Workers:
    return pytestconfig.stash[WORKERS]
