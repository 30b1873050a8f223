"""Runs checks in a process of its own, without and with each mutation: `worker WHERE RESULT [NAMES] [OPTIONS]`.

WHERE is `keras3`, `pytorch` or `harness`. RESULT becomes a JSON object: `""`, for the code as it is, and each
`name size` to a mapping from node id to an outcome. NAMES choose mutations. `--search` tries sizes that are too small
as well; other options are pytest's.
"""

from __future__ import annotations

import functools
import gc
import importlib
import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings

from harness.training.fit import TrainingDiverged
from tests.meta.mutations.table import MUTATIONS, Mutation

NOTICED = (AssertionError, pytest.fail.Exception, TrainingDiverged)
"""How a check may fail that notices an error; `pytest.raises` fails with the second. Anything else is a crash."""
MODULES = {
    "keras3": ("keras3_network", "keras3_training", "of_models"),
    "pytorch": ("pytorch_network", "pytorch_training", "of_models"),
    "harness": ("harness_code",),
}


class Outcomes:
    """Plugin that keeps how each test ended: `passed`, `noticed`, or what else happened."""

    def __init__(self) -> None:
        self.found: dict[str, str] = {}

    @pytest.hookimpl(trylast=True)
    def pytest_sessionstart(self) -> None:
        """The same examples each time, and no search for simpler ones: that they fail is enough."""
        phases = (Phase.explicit, Phase.generate)
        checks = (HealthCheck.too_slow, HealthCheck.filter_too_much)
        settings.register_profile(
            "mutations", max_examples=25, deadline=None, derandomize=True, phases=phases, suppress_health_check=checks
        )
        settings.load_profile("mutations")

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[Any]:
        report = yield
        if call.when == "call" or report.outcome != "passed":
            self.found[item.nodeid] = self._outcome(report, call)
        return report

    @staticmethod
    def _outcome(report: pytest.TestReport, call: pytest.CallInfo[None]) -> str:
        if report.outcome != "failed" or call.excinfo is None:
            return report.outcome
        error = call.excinfo.value
        errors = error.exceptions if isinstance(error, BaseExceptionGroup) else (error,)
        if call.when == "call" and all(isinstance(each, NOTICED) for each in errors):
            return "noticed"
        return f"{call.when} crashed: {type(error).__name__}: {error}"[:500]


def check_of(mutation: Mutation, where: str) -> str:
    """Node id of what notices a mutation."""
    return f"tests/{mutation.check.format(where)}"


def run_checks(nodes: list[str], options: list[str]) -> dict[str, str]:
    """Outcome of each node id; those that pytest does not know are missing."""
    outcomes = Outcomes()
    # pytest would rather rewrite its plugins before anybody imports them; here it starts many times
    quiet = ["-q", "--tb=no", "-p", "no:cacheprovider", "-W", "ignore::pytest.PytestAssertRewriteWarning"]
    pytest.main([*nodes, *options, *quiet], plugins=[outcomes])
    return outcomes.found


@contextmanager
def mutated(mutation: Mutation, size: float | None, where: str) -> Iterator[None]:
    """The code with one error in it."""
    from tests.support import models

    with pytest.MonkeyPatch.context() as patch:
        if not mutation.keeps_models:
            patch.setattr(models, "_shared", functools.cache(models._shared.__wrapped__))
        for module in (importlib.import_module(f"tests.meta.mutations.{name}") for name in MODULES[where]):
            if hasattr(module, mutation.name):
                options = {} if size is None else {"size": size}
                if module.__name__.endswith("of_models"):
                    training = importlib.import_module(f"tests.meta.mutations.{where}_training")
                    options["model"] = training.MODEL
                getattr(module, mutation.name)(patch, **options)
        yield


def main() -> None:
    where, result, *options = sys.argv[1:]
    names = [each for each in options if not each.startswith("-")]
    is_search = "--search" in options
    options = [each for each in options if each.startswith("-") and each != "--search"]
    chosen = [mutation for mutation in MUTATIONS[where] if not names or mutation.name in names]
    checks = sorted({check_of(mutation, where) for mutation in chosen})
    found = {"": run_checks(checks, options)}
    if unknown := set(checks) - found[""].keys():  # of which one is enough for pytest to run none
        sys.exit(f"of these checks some do not exist: {sorted(unknown)}")
    gc.freeze()  # pytest collects garbage several times a start: models of the baseline need not be searched
    for mutation in chosen:
        further = (mutation.unnoticed,) if is_search and mutation.unnoticed is not None else ()
        for size in (*mutation.sizes_or_none, *further):
            start = time.process_time()
            with mutated(mutation, size, where):
                found[mutation.key(size)] = run_checks([check_of(mutation, where)], options)
            seconds = time.process_time() - start
            print(f"{seconds:5.1f} s {mutation.key(size)}: {found[mutation.key(size)]}", file=sys.stderr, flush=True)
    Path(result).write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
