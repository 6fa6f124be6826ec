# SPDX-License-Identifier: BSD-3-Clause
"""What a packet costs by the time that threads were on a core, for machines on which other programs
run: `python3 testbed/thread_time.py [KPPS,KPPS]` after a build, as root.

Whatever the kernel does for a packet on veth it does inside the call that sends it. So a gateway
costs what the sending thread needs more than when its frames end at the gateway's first interface,
and, for Towpath, what its worker needs. Unlike testbed/run this leaves out sleeping cores and
interrupts, and there is no figure for a kernel that is steered to another core.
"""

import json
import subprocess
import sys
import time
from pathlib import Path

import cables as bed
import compare
import measure

ROWS = ("masquerade-inline", "af_packet", "af_xdp")
SECONDS = 3
# The first second is the generator's warm-up, and the last part may be its drain.
BEGIN_S, SPAN_S = 0.9, 1.8


def on_core_ns(task):
    """Time that a thread was on a core; the first word of schedstat."""
    return int((task / "schedstat").read_text(encoding="ascii").split()[0])


def workers(gateway):
    process = getattr(gateway, "process", None)
    if process is None:
        return []
    # `towpath run` is the parent of towpathd.
    found = subprocess.run(["pgrep", "-P", str(process.pid), "-x", "towpathd"],
                           capture_output=True, text=True, check=False).stdout.split()
    return [task for pid in found for task in Path(f"/proc/{pid}/task").iterdir()
            if (task / "comm").read_text(encoding="utf-8").startswith("worker-")]


def trial(cables, rate, tasks):
    """The generator's report with what the sender and `tasks` took per packet, in nanoseconds."""
    command = measure.generator(cables, rate, SECONDS, burst=8)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        sender = Path(f"/proc/{process.pid}/task/{process.pid}")
        time.sleep(BEGIN_S)
        begin, clock = [on_core_ns(task) for task in (sender, *tasks)], time.monotonic()
        time.sleep(SPAN_S)
        end = [on_core_ns(task) for task in (sender, *tasks)]
        elapsed_s = time.monotonic() - clock
        report = json.loads(process.communicate(timeout=60)[0])
    spent = [after - before for before, after in zip(begin, end)]
    packets = report["offered_pps"] * elapsed_s
    return report, spent[0] / packets, sum(spent[1:]) / packets


def main():
    rates = [float(word) * 1e3 for word in (sys.argv[1:] or ["100,200"])[0].split(",")]
    print(f"{'ns per packet':42}{'kpps':>6}{'sender':>9}{'worker':>8}{'gateway':>9}{'lost':>9}"
          f"{'p50 us':>8}")
    with bed.Cables("testbed") as cables:
        alone = {}
        with bed.IngressDrop(cables):
            for rate in rates:
                report, alone[rate], _ = trial(cables, rate, [])
                print(f"{'the generator into a drop':42}{report['offered_pps'] / 1e3:6.0f}"
                      f"{alone[rate]:9.0f}")
        for name in ROWS:
            title, stand = compare.ROWS[name]
            with stand(cables) as gateway:
                for rate in rates:
                    report, sender, worker = trial(cables, rate, workers(gateway))
                    print(f"{title:42}{report['offered_pps'] / 1e3:6.0f}{sender:9.0f}{worker:8.0f}"
                          f"{sender - alone[rate] + worker:9.0f}{report['loss']:9.5f}"
                          f"{report['p50_us']:8.1f}", flush=True)


if __name__ == "__main__":
    main()
