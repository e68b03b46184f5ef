"""Time, memory and size of the report of a busy day: a million quotes, ten thousand fills.

``uv run benchmarks/bench_report.py [QUOTES] [FILLS]`` makes up the log, then adds it up and draws it in a
process of its own, whose peak memory is the report's alone. Printed with what is demanded: 1.5 GiB and 15 MB.
"""

from __future__ import annotations

import pickle
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import orjson
from run_log import write_day

FACTS = "facts.pickle"


def draw(run_dir: Path) -> None:
    """Add up and draw, and print what it took."""
    from mm_nautilus.analytics.jsonable import jsonable
    from mm_nautilus.analytics.report import write_report
    from mm_nautilus.analytics.runlog import RunLog
    from mm_nautilus.analytics.summary import summarise

    facts = pickle.loads((run_dir / FACTS).read_bytes())  # written by ourselves, just before
    begun, at_work = time.perf_counter(), time.process_time()
    result = {
        "status": "completed",
        "run": {"name": "a busy day", "seed": 1},
        "realism": {"venues": [], "caveats": []},
        **jsonable(summarise(RunLog.open(run_dir), facts)),
    }
    (run_dir / "result.json").write_bytes(orjson.dumps(result))
    summed = time.perf_counter()
    path = write_report(run_dir)
    drawn = time.perf_counter()
    spent = time.process_time() - at_work
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    print(
        f"summary {summed - begun:.1f} s, report {drawn - summed:.1f} s, together {drawn - begun:.1f} s (20 s), of CPU "
        f"{spent:.1f} s\n"
        f"peak memory {peak:.2f} GiB (1.5 GiB)\nsize {path.stat().st_size / 1e6:.1f} MB (15 MB)"
    )


def main() -> None:
    if len(sys.argv) == 3 and sys.argv[1] == "--draw":
        draw(Path(sys.argv[2]))
        return
    quotes, fills = (int(sys.argv[i]) if len(sys.argv) > i else default for i, default in ((1, 1_000_000), (2, 10_000)))
    with tempfile.TemporaryDirectory() as folder:
        facts = write_day(Path(folder), quotes, fills)
        (Path(folder) / FACTS).write_bytes(pickle.dumps(facts))
        subprocess.run([sys.executable, __file__, "--draw", folder], check=True)


if __name__ == "__main__":
    main()
