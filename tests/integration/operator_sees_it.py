#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""The operator's face against live traffic: every verb answers, its --json parses, and what it says is
what the traffic did. Prometheus text is served.

    a -- lan -- towpath -- router -- stun (flow_server)
"""
import re
import subprocess

from support import (A, QUICK_START, ROUTER, Lab, Towpath, behaviour, check, counted, equal,
                     outside_endpoint, program, socket_in, start_flow_server)

VERBS = (("status",), ("interfaces",), ("drops",), ("nat", "show"), ("nat", "ports"), ("version",),
         ("neighbours",))
NOBODY = "192.0.2.77"
RELEASE = re.compile(r"\d+\.\d+\.\d+(\+[0-9a-f]{10,}(\.dirty)?)?")


def every_program_names_its_build(towpath):
    versions = towpath.json("version")
    build = versions["client"]
    check(RELEASE.fullmatch(build), f"{build!r} is a release and perhaps a commit")
    equal((versions["control"], versions["dataplane"]), (build, build), "what runs is what was built")
    equal(towpath.json("status")["version"], build, "status")
    for name in ("towpath", "towpath-control", "towpathd"):
        said = subprocess.run([program(name), "--version"], capture_output=True, text=True,
                              check=True, timeout=10).stdout
        check(build in said, f"{name} --version says {build}: {said}")


def neighbours_are_listed(lab, towpath):
    """a's and the router's MACs are the real ones; a next hop that nobody has has failed."""
    def rows():
        return {row["address"]: row for row in towpath.json("neighbours")["neighbours"]}

    for host, device, address, interface in (("a", "eth0", A, "lan"),
                                             ("router", "gw0", ROUTER, "wan")):
        mac = lab.must(host, "cat", f"/sys/class/net/{device}/address").strip()
        row = rows()[address]
        equal((row["interface"], row["mac"]), (interface, mac), f"neighbour {address}")
        check(row["age_s"] <= 30 and row["state"] in ("reachable", "stale", "probe"), f"{row}")
    lab.run("a", "ping", "-c1", "-W1", "-n", NOBODY)
    lab.wait_for(f"{NOBODY} as failed, {rows().get(NOBODY)}",
                 lambda: rows().get(NOBODY, {}).get("state") == "failed", 6)
    check(rows()[NOBODY]["mac"] is None, "nobody has a MAC")


@behaviour
def operator_sees_it():
    config = QUICK_START + "management: {metrics: 127.0.0.1:9469}\n"
    with Lab("cli") as lab:
        start_flow_server(lab)
        with Towpath(lab, config) as towpath:
            inside = socket_in(lab, "a", address=A)
            outside = outside_endpoint(inside)
            for verb in VERBS:
                check(towpath.json(*verb) is not None, f"{verb} --json")
                done = towpath.client(*verb)
                check(done.returncode == 0 and done.stdout.strip(), f"{verb}: {done}")
            inside_text = f"{A}:{inside.getsockname()[1]}"
            outside_text = f"{outside[0]}:{outside[1]}"
            shown = towpath.client("nat", "show").stdout
            check(inside_text in shown and outside_text in shown, f"nat show: {shown}")
            found = towpath.client("nat", "lookup", f"{outside_text}/udp").stdout
            check(inside_text in found, f"nat lookup: {found}")
            every_program_names_its_build(towpath)
            neighbours_are_listed(lab, towpath)
            before = towpath.drops().get("inbound_no_mapping", 0)
            socket_in(lab, "stun").sendto(b"unsolicited", (outside[0], 40000))
            counted(lab, towpath, "inbound_no_mapping", before + 1)
            metrics = lab.must("gateway", "curl", "-sS", "--max-time", "5",
                               "http://127.0.0.1:9469/metrics")
            check("towpath_" in metrics, f"metrics: {metrics[:300]}")
            gone = lab.run("gateway", program("towpath"), "--run-dir", lab.folder / "nowhere",
                           "status")
            equal(gone.returncode, 3, f"no daemon there: {gone.stderr}")
