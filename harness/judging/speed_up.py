"""How much faster than a paper's run the device pipeline is: told beside the verdicts, judged by none."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from harness.judging.comparability import Compared, disturbances, undisturbed
from harness.judging.expectations import bands
from harness.judging.timing import class_remark, epochs_text, papers_seconds
from harness.papers.paper import Paper


def speed_up(compared: Sequence[Compared], paper: Paper) -> str | None:
    """Seconds for the paper's epochs beside each time that the paper reports, on a card of its class.

    The last run of each seed counts, one whose GPU was its own before any other.

    Args:
        compared: Runs of one variant by one implementation, oldest first.
        paper: Whose times they are compared with.

    Returns:
        None where no run differs from the paper's in the input pipeline alone.
    """
    alike = undisturbed([each.record for each in compared if each.differs_in_pipeline_alone], paper)
    chosen = list({record.spec.seed: record for record in alike}.values())
    runs = [each for record in chosen if (each := papers_seconds(record, paper)) is not None]
    band = bands(paper).get(f"{chosen[0].spec.asked.base_name}.seconds") if chosen else None
    if not runs or band is None or paper.hardware is None:
        return None
    seconds = [each.seconds for each in runs]
    mean, spread = statistics.fmean(seconds), f"{min(seconds):,.0f} to {max(seconds):,.0f} s, " if seconds[1:] else ""
    reported = [paper.facts[name] for name in band.facts]
    factors = [
        f"{each.value / mean:.2f} times as fast as the paper's {each.value:,.2f} s ({each.place})" for each in reported
    ]
    disturbed = list(dict.fromkeys(said for record in chosen for said in disturbances(record, paper)))
    parts = [
        f"{chosen[0].spec.pipeline} pipeline: {mean:,.0f} s ({spread}n = {len(seconds)}) {epochs_text(runs)}",
        ", ".join(factors),
        class_remark(chosen, paper.hardware.gpu),
        *([f"the GPU was not its own: {', '.join(disturbed)}"] if disturbed else []),
    ]
    return "; ".join(parts)
