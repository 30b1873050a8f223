"""A fingerprint of where a run runs."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import psutil
from threadpoolctl import threadpool_info

from harness.records.record import Environment


def read_environment(versions: Mapping[str, str], *, gpu: str | None) -> Environment:
    """Describe machine and software.

    Args:
        versions: Of framework and backend, from the implementation.
        gpu: Name of the GPU in use, None on the CPU.
    """
    own = {name: importlib.metadata.version(name) for name in ("ferbench", "numpy", "scikit-learn", "pillow")}
    return Environment(
        cpu=cpu_name(),
        cpu_cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        memory_gigabytes=round(psutil.virtual_memory().total / 2**30, 1),
        gpu=gpu,
        gpu_driver=_ask("nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader") if gpu else None,
        operating_system=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        versions=own | dict(versions),
        threads={pool["prefix"]: int(pool["num_threads"]) for pool in threadpool_info()},
        git_commit=_git_commit(),
    )


def cpu_name() -> str:
    """The processor's name; `platform.processor()` is empty on most Linux systems."""
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text(encoding="utf-8").splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()


def _git_commit() -> str | None:
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return None
    commit = _ask("git", "-C", str(root), "rev-parse", "HEAD")
    changes = _ask("git", "-C", str(root), "status", "--porcelain")
    return f"{commit}+changes" if commit and changes else commit


def _ask(program: str, *arguments: str) -> str | None:
    """First line that a program prints; None where it is missing, fails, hangs or says nothing."""
    path = shutil.which(program)
    if path is None:
        return None
    try:
        answer = subprocess.run([path, *arguments], capture_output=True, text=True, check=False, timeout=30)
    except (OSError, subprocess.TimeoutExpired):  # a fingerprint is not worth a run
        return None
    lines = answer.stdout.splitlines()
    return lines[0].strip() if answer.returncode == 0 and lines else None
