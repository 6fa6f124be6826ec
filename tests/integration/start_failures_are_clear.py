#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Bad input at start: an interface that is missing, no permission, an address in use, a core that does
not exist, a second instance, ports that another holds, a broken file, a kernel address on a port. Each ends within seconds with
its exit code (README.md) and one clear sentence, and leaves nothing behind.

    towpath alone in the gateway's namespace
"""
import os
import socket
import subprocess

from support import (LAN_ADDRESS, QUICK_START, ROUTER, Lab, Towpath, behaviour, check, equal,
                     measure, program, socket_in)

USAGE, REFUSED, NO_PERMISSION, PORT, RUNNING, CORE, ADDRESS = 2, 4, 5, 6, 8, 9, 10

CASES = (
    ("interface missing", QUICK_START.replace("name: wan0", "name: wan7"), PORT, "wan7"),
    ("core missing", QUICK_START + "dataplane: {cores: [4000]}\n", None, "4000"),
    ("core not ours", QUICK_START + "dataplane: {cores: [63]}\n", CORE, "63"),
    ("broken file", QUICK_START.replace("version: 1", "version: one"), USAGE, ":1:"),
    ("metrics address in use", QUICK_START + "management: {metrics: 127.0.0.1:9469}\n", ADDRESS,
     "127.0.0.1:9469"),
)


def attempt(lab, towpath, what, code, words):
    process = towpath.launch()
    try:
        got = process.wait(10)
    except subprocess.TimeoutExpired:
        towpath.stop()
        check(False, f"{what}: still runs after 10 s: {towpath.words()}")
    said = lab.log(f"{towpath.label}.log")
    check(got == code if code is not None else got != 0, f"{what}: exit code {got}: {said}")
    check(words in said, f"{what}: does not name {words}: {said}")
    check(len(said.splitlines()) <= 8, f"{what}: not one clear sentence: {said}")
    nothing_left(lab, what)


def nothing_left(lab, what):
    names = lab.must("gateway", "ip", "-o", "link")
    left = [line.split(": ")[1] for line in names.splitlines()
            if line.split(": ")[1].split("@")[0] not in ("lo", "lan0", "wan0")]
    check(not left, f"{what}: interfaces left: {left}")
    for interface in ("lan0", "wan0"):
        filters = lab.run("gateway", "tc", "filter", "show", "dev", interface, "ingress").stdout
        check(not filters.strip(), f"{what}: a filter is left on {interface}: {filters}")
    equal(lab.must("gateway", "sysctl", "-n", "net.ipv4.ip_local_port_range").split(),
          ["32768", "60999"], f"{what}: ip_local_port_range")
    pids = subprocess.run(["ip", "netns", "pids", lab.namespace("gateway")], capture_output=True,
                          text=True, check=True).stdout.split()
    check(not pids, f"{what}: processes left: {pids}")


@behaviour
def start_failures_are_clear():
    with Lab("start") as lab:
        taken = socket_in(lab, "gateway", socket.SOCK_STREAM, "127.0.0.1", 9469)
        taken.listen()
        for number, (what, config, code, words) in enumerate(CASES):
            attempt(lab, Towpath(lab, config, f"case{number}"), what, code, words)
        lab.must("gateway", "ip", "address", "add", f"{LAN_ADDRESS}/24", "dev", "lan0")
        attempt(lab, Towpath(lab, label="address"), "kernel address", REFUSED, LAN_ADDRESS)
        lab.must("gateway", "ip", "address", "flush", "dev", "lan0")

        with Towpath(lab) as running:
            second = lab.run("gateway", program("towpath"), "run", "--config", running.config,
                             "--run-dir", running.run_dir, timeout=10)
            said = second.stdout + second.stderr
            equal(second.returncode, RUNNING, f"second instance: {said}")
            check(str(running.run_dir) in said, f"second instance: names no directory: {said}")
            other = lab.run("gateway", program("towpath"), "run", "--config", running.config,
                            "--run-dir", lab.folder / "other.run", timeout=10)
            equal(other.returncode, ADDRESS, f"ports that are held: {other.stdout}{other.stderr}")
            equal(measure.ping(lab, target=ROUTER)["received"], 5, "replies beside both attempts")
        nothing_left(lab, "after SIGTERM")

        # Without capabilities; the files must be readable for somebody who is not root.
        weak = lab.run("gateway", "setpriv", "--bounding-set=-all", "--inh-caps=-all",
                       program("towpath"), "run", "--config", running.config, "--run-dir",
                       running.run_dir, timeout=10, env=dict(os.environ, LANG="C"))
        equal(weak.returncode, NO_PERMISSION, f"no permission: {weak.stdout}{weak.stderr}")
        nothing_left(lab, "no permission")
