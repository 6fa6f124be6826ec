# SPDX-License-Identifier: BSD-3-Clause
"""The table and the plots of testbed/run --tunnels: every figure with its ratio to the best of those
that are not Towpath."""

import pathlib
import subprocess

OURS = ("af_packet", "af_xdp")
# (key, heading, factor, is greater better)
COLUMNS = (("tcp_gbps", "TCP Gbit/s", 1.0, True), ("back_gbps", "back", 1.0, True),
           ("udp_gbps", "UDP 1388 B", 1.0, True), ("small_pps", "64 B kpps", 1e-3, True),
           ("cpu_s_per_gbit", "CPU s/Gbit", 1.0, False))


def value(row, key):
    return row.get(key, row.get("equal_load", {}).get(key, 0.0))


def best_of_others(rows, key, is_greater_better):
    found = [value(row, key) for name, row in rows.items()
             if name not in OURS and value(row, key) > 0]
    return (max if is_greater_better else min)(found, default=0.0)


def _table(results, heading):
    rows = results["rows"]
    lines = [f"{heading:34}" + "".join(f"{name:>12}{'x':>6}" for _, name, _, _ in COLUMNS)]
    for row in rows.values():
        if "error" in row:
            lines.append(f"{row['title']:34}not measured: {row['error'].splitlines()[0]}")
            continue
        cells = []
        for key, _, factor, is_greater_better in COLUMNS:
            own, best = value(row, key), best_of_others(rows, key, is_greater_better)
            cells.append(f"{own * factor:12.2f}" + (f"{own / best:6.2f}" if best else "     -"))
        lines.append(f"{row['title']:34}" + "".join(cells))
    lines.append(f"CPU at {results['load_gbps']:.2f} Gbit/s of TCP in every row.")
    return lines


def text(results):
    host = results["machine"]
    lines = [f"{host['cpu']} (family {host['family']}), {host['cores']} cores, kernel "
             f"{host['kernel']}; the far peer is {pathlib.Path(results['far'].split()[0]).name}",
             "x: ratio to the best of the others", ""]
    lines += _table(results["off"], "offloads of all cables off")
    if "on" in results:
        lines += ["", *_table(results["on"], "offloads of all cables on")]
    return "\n".join(lines) + "\n"


def plot(results, folder):
    """tunnels.svg and plot.txt by gnuplot; says so when gnuplot cannot."""
    rows = {name: row for name, row in results["off"]["rows"].items() if "error" not in row}
    if not rows:
        return
    data = ["name\tTCP\tTCP back\tUDP\tCPU s/Gbit"]
    data += ["\t".join([name, *(f"{value(row, key):.3f}" for key in (
        "tcp_gbps", "back_gbps", "udp_gbps", "cpu_s_per_gbit"))]) for name, row in rows.items()]
    (folder / "tunnels.tsv").write_text("\n".join(data) + "\n", encoding="utf-8")
    style = ("set datafile separator tab; set style data histogram; set style fill solid 0.8; "
             "set yrange [0:*]; set key outside top center horizontal; set grid ytics; "
             f"set title \"{results['machine']['cpu']}\"; set ylabel 'Gbit/s, CPU s/Gbit'; "
             "plot 'tunnels.tsv' using 2:xtic(1) title columnhead(2), "
             "for [column=3:5] '' using column title columnhead(column)")
    for terminal, name in (("svg noenhanced size 800,420", "tunnels.svg"),
                           ("dumb noenhanced 110,28", "plot.txt")):
        done = subprocess.run(["gnuplot", "-e", f"set terminal {terminal}; set output '{name}'; "
                               f"{style}"], cwd=folder, capture_output=True, text=True, check=False,
                              timeout=60, stdin=subprocess.DEVNULL)
        if done.returncode != 0:
            print(f"gnuplot: {done.stderr.strip()}")
            return
    print(f"plots: {folder}/tunnels.svg, {folder}/plot.txt")
