# SPDX-License-Identifier: BSD-3-Clause
"""Turns results into a table, ratios to the kernel's masquerade, and plots (SVG and text)."""

import platform
import re
import subprocess

REFERENCE = ("masquerade-inline", "masquerade")


def machine():
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as text:
        words = text.read()
    found = re.search(r"model name\s*: (.*)", words)
    family = re.search(r"cpu family\s*: (\d+)", words)
    return {"cpu": found.group(1) if found else "unknown",
            "family": family.group(1) if family else "?",
            "cores": words.count("processor\t:"), "kernel": platform.release()}


def per_packet_us(found):
    return found["gateway_cpu_s"] / found["received"] * 1e6 if found.get("received") else 0.0


def reference_pps(rows, size):
    """The better of the kernel's two ways."""
    rates = [rows[name][size]["pps"] for name in REFERENCE
             if name in rows and "error" not in rows[name]]
    return max(rates, default=0.0)


def ratio(value, reference):
    return f"{value / reference:5.2f}" if reference else "    -"


def text(results):
    host, rows = results["machine"], results["rows"]
    lines = [f"{host['cpu']} (family {host['family']}), {host['cores']} cores, "
             f"kernel {host['kernel']}, {results['flows']} UDP flows, "
             f"loss-free: at most {results['loss_max']:.4%} lost",
             f"other programs used {host['others']:.0%} of the cores before the run", ""]
    lines.append(f"{'loss-free rate':42}{'64 B kpps':>10}{'x':>6}{'IMIX kpps':>11}{'x':>6}"
                 f"{'saturated':>11}{'p50 us':>8}{'p99 us':>8}{'TCP Gbit/s':>12}")
    small, imix = reference_pps(rows, "small"), reference_pps(rows, "imix")
    for row in rows.values():
        if "error" in row:
            lines.append(f"{row['title']:42}not measured: {row['error'].splitlines()[0]}")
            continue
        mark = "*" if row["small"]["limit"] == "generator" else " "
        lines.append(
            f"{row['title']:42}{row['small']['pps'] / 1e3:9.0f}{mark}"
            f"{ratio(row['small']['pps'], small):>6}{row['imix']['pps'] / 1e3:11.0f}"
            f"{ratio(row['imix']['pps'], imix):>6}"
            f"{row['saturation']['received_pps'] / 1e3:11.0f}{row['half_load']['p50_us']:8.1f}"
            f"{row['half_load']['p99_us']:8.1f}{row['tcp_gbps']:12.2f}")
    lines += ["x: ratio to the better of the kernel's two ways. Latency at half of the row's own "
              "rate. *: the generator was the limit.", ""]
    lines += equal_load(rows)
    if results["memif"]:
        lines += ["", f"{'over memif, testpmd as generator, saturated':60}{'kpps':>8}"]
        for row in results["memif"].values():
            said = f"{row['pps'] / 1e3:8.0f}" if "error" not in row else row["error"]
            lines.append(f"{row['title']:60}{said}")
    return "\n".join(lines) + "\n"


def equal_load(rows):
    measured = [row for row in rows.values() if row.get("equal_load")]
    if not measured:
        return []
    lines = ["at equal offered load (64 B); gateway's processor time = both cores' busy time less "
             "the generator's alone",
             f"{'':42}" + "".join(f"{found['load']:>8.0%} of {found['offered_pps'] / 1e3:4.0f} kpps "
                                  f"{'p50':>5}{'p99':>7}{'loss':>9}"
                                  for found in measured[0]["equal_load"])]
    for row in measured:
        lines.append(f"{row['title']:42}" + "".join(
            f"{per_packet_us(found):11.2f} us/packet{found['p50_us']:6.0f}{found['p99_us']:7.0f}"
            f"{found['loss']:9.5f}" for found in row["equal_load"]))
    return lines


def plot(results, folder):
    """rates.svg, cpu.svg and plot.txt by gnuplot; says so when gnuplot cannot."""
    rows = {name: row for name, row in results["rows"].items() if "error" not in row}
    if not rows:
        return
    data = ["name\t64 byte\tIMIX\t25 %\t50 %\t100 %"]
    for name, row in rows.items():
        costs = [f"{per_packet_us(found):.3f}" for found in row.get("equal_load", [])] or ["0"] * 3
        data.append("\t".join([name, f"{row['small']['pps'] / 1e3:.1f}",
                               f"{row['imix']['pps'] / 1e3:.1f}", *costs]))
    (folder / "rates.tsv").write_text("\n".join(data) + "\n", encoding="utf-8")
    style = ("set datafile separator tab; set style data histogram; set style fill solid 0.8; "
             "set yrange [0:*]; set key outside top center horizontal; set grid ytics; "
             f"set title \"{results['machine']['cpu']}\"; ")
    rates = "plot 'rates.tsv' using 2:xtic(1) title columnhead(2), '' using 3 title columnhead(3)"
    costs = ("plot 'rates.tsv' using 4:xtic(1) title columnhead(4), '' using 5 title "
             "columnhead(5), '' using 6 title columnhead(6)")
    scripts = {
        "rates": f"set terminal svg noenhanced size 800,420; set output 'rates.svg'; {style}"
                 f"set ylabel 'loss-free kpps'; {rates}",
        "cpu": f"set terminal svg noenhanced size 800,420; set output 'cpu.svg'; {style}"
               f"set ylabel 'gateway processor us per packet'; {costs}",
        "text": f"set terminal dumb noenhanced 110,28; set output 'plot.txt'; {style}"
                f"set ylabel 'kpps'; {rates}",
    }
    for script in scripts.values():
        done = subprocess.run(["gnuplot", "-e", script], cwd=folder, capture_output=True, text=True,
                              check=False, timeout=60, stdin=subprocess.DEVNULL)
        if done.returncode != 0:
            print(f"gnuplot: {done.stderr.strip()}")
            return
    print(f"plots: {folder}/rates.svg, {folder}/cpu.svg, {folder}/plot.txt")
