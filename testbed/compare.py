# SPDX-License-Identifier: BSD-3-Clause
"""Measures every row on the same cables in one run, then prints ratios to the kernel's masquerade.

Two passes: the first finds each row's loss-free rates, the second offers the same load to every row
(25, 50 and 100 % of the slower of masquerade and Towpath) and takes processor time and latency.
"""

import argparse
import json
import pathlib
import sys

import cables as bed
import measure
import memif
import report

ROWS = {
    "forwarding": ("kernel forwarding, no NAT",
                   lambda cables: bed.Kernel(cables, core=bed.GATEWAY_CORE)),
    "masquerade-inline": ("kernel masquerade on the sending core",
                          lambda cables: bed.Kernel(cables, bed.MASQUERADE)),
    "masquerade": ("kernel masquerade on a core of its own",
                   lambda cables: bed.Kernel(cables, bed.MASQUERADE, bed.GATEWAY_CORE)),
    "af_packet": ("Towpath, af_packet", lambda cables: bed.towpath(cables, "af_packet")),
    "af_xdp": ("Towpath, af_xdp", lambda cables: bed.towpath(cables, "af_xdp")),
}
# The slower of these sets the common load.
COMPARED = ("masquerade-inline", "masquerade", "af_packet", "af_xdp")
LOADS = (0.25, 0.5, 1.0)
# More than this, and processor time cannot be told from other programs'.
OTHERS_MAX = 0.05


def first_pass(cables, name, seconds):
    row = {"title": ROWS[name][0]}
    with ROWS[name][1](cables):
        row["small"] = measure.search(cables, seconds)
        row["imix"] = measure.search(cables, seconds, "imix")
        row["saturation"] = measure.saturation(cables, seconds)
        half = measure.trial(cables, max(1000, row["small"]["pps"] / 2), 2 * seconds, burst=4)
        row["half_load"] = half
        row["tcp_gbps"] = measure.tcp_gbps(cables, 2 * seconds)
    return row


def second_pass(cables, rows, seconds):
    """Processor time at equal load, less what the generator alone costs at that load."""
    rates = [rows[name]["small"]["pps"] for name in COMPARED if usable(rows.get(name))]
    if not rates:
        return
    slowest = min(rates)
    with bed.IngressDrop(cables):
        alone = [measure.loaded(cables, slowest * load, seconds)["busy_s"] for load in LOADS]
    for name, row in rows.items():
        if not usable(row):
            continue
        with ROWS[name][1](cables):
            row["equal_load"] = []
            for load, generator_s in zip(LOADS, alone):
                found = measure.loaded(cables, slowest * load, seconds)
                found["gateway_cpu_s"] = max(0.0, found["busy_s"] - generator_s)
                found["load"] = load
                row["equal_load"].append(found)


def usable(row):
    return bool(row) and "error" not in row and row["small"]["pps"] > 0


def read_words():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("build/testbed"),
                        help="where results.json, table.txt and the plots go")
    parser.add_argument("--quick", action="store_true", help="one second per step: is it working?")
    parser.add_argument("--rows", default=",".join([*ROWS, "memif"]),
                        help=f"some of {', '.join([*ROWS, 'memif'])}")
    words = parser.parse_args()
    words.chosen = words.rows.split(",")
    unknown = [name for name in words.chosen if name not in ROWS and name != "memif"]
    if unknown:
        parser.error(f"no such row: {', '.join(unknown)}")
    return words


def main():
    words = read_words()
    seconds = 1 if words.quick else 2
    rows, over_memif = {}, {}
    others = measure.others_share(3)
    if others > OTHERS_MAX:
        print(f"other programs use {others:.0%} of the cores: the figures will be of a busy machine",
              file=sys.stderr)
    with bed.Cables("testbed") as cables:
        for name in (name for name in ROWS if name in words.chosen):
            print(f"measuring: {ROWS[name][0]}", file=sys.stderr)
            try:
                rows[name] = first_pass(cables, name, seconds)
            except bed.topology.LabError as problem:
                rows[name] = {"title": ROWS[name][0], "error": str(problem)}
                print(f"  {problem}", file=sys.stderr)
        print("measuring: equal load", file=sys.stderr)
        second_pass(cables, rows, 2 * seconds)
        if "memif" in words.chosen:
            over_memif = memif.measure(cables, 3 * seconds)
    words.out.mkdir(parents=True, exist_ok=True)
    results = {"machine": {**report.machine(), "others": others}, "rows": rows, "memif": over_memif,
               "loss_max": measure.LOSS_MAX, "flows": measure.FLOWS}
    (words.out / "results.json").write_text(json.dumps(results, indent=1), encoding="utf-8")
    text = report.text(results)
    (words.out / "table.txt").write_text(text, encoding="utf-8")
    print(text)
    report.plot(results, words.out)
    failed = [row["title"] for row in [*rows.values(), *over_memif.values()] if "error" in row]
    if failed:
        print(f"could not be measured: {'; '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except bed.topology.LabError as problem:
        print(f"testbed/run: {problem}", file=sys.stderr)
        sys.exit(1)
