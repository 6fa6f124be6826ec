# SPDX-License-Identifier: BSD-3-Clause
"""Shared-memory cables (memif): what the gateway does when no kernel is on the way.

    testpmd txonly ---- lan  gateway (core 1)  wan ---- testpmd icmpecho

The sender transmits as fast as it can; what counts is what the receiver gets. The receiver's mode
answers ARP for the next hop and swallows the rest. On a machine with two cores both testpmds share
core 0, which bounds what can be offered; the row of testpmd in the gateway's place shows that bound.
"""

import json
import os
import re
import signal
import time

from cables import GATEWAY_CORE, gateway, topology

CONFIG = """\
version: 1
dataplane: {{cores: {core}}}
interfaces:
  lan: {{driver: memif, memif: {{socket: {folder}/lan.memif, role: server, id: 0}}, addresses: [10.77.1.1/24]}}
  wan: {{driver: memif, memif: {{socket: {folder}/wan.memif, role: server, id: 0}}, addresses: [192.0.2.10/24]}}
routes: {{static: [{{to: 0.0.0.0/0, via: 192.0.2.1}}]}}
nat: {{inside: [lan], outside: wan, pool: [wan]}}
"""
RING = "rsize=12,bsize=2048"


def testpmd(cables, name, core, ports, *words):
    """A testpmd without huge pages that prints its rates every second into NAME.log. `ports` are
    (role, socket) pairs."""
    devices = [word for number, (role, side) in enumerate(ports)
               for word in ("--vdev", f"net_memif{number},role={role},id=0,{RING},"
                                      f"socket={cables.folder}/{side}.memif,socket-abstract=no")]
    # Two threads of DPDK on one core: the first only waits.
    return cables.spawn("gateway", "dpdk-testpmd", "--no-huge", "-m", "512", "--no-pci",
                        "--no-telemetry", "--file-prefix", f"{cables.id}{name}",
                        "--lcores", f"0@{core},1@{core}", *devices, "--",
                        "--total-num-mbufs=32768", "--stats-period", "1", "--nb-cores=1", *words,
                        log=f"{name}.log")


def generator(cables, destination_mac):
    return testpmd(cables, "sender", 0, [("client", "lan")], "--forward-mode=txonly",
                   "--txpkts=60", "--tx-ip=10.77.1.11,198.51.100.7", "--tx-udp=20000,9000",
                   f"--eth-peer=0,{destination_mac}")


def receiver(cables):
    core = 2 if (os.cpu_count() or 1) > 2 else 0
    return testpmd(cables, "receiver", core, [("client", "wan")], "--forward-mode=icmpecho")


def received_pps(cables, seconds):
    """The receiver's mean rate over the last `seconds` reports; the first ones are start-up."""
    deadline = time.monotonic() + seconds + 15
    while time.monotonic() < deadline:
        rates = [int(rate) for rate in re.findall(r"Rx-pps:\s+(\d+)", cables.log("receiver.log"))]
        busy = [rate for rate in rates if rate > 0]
        if len(busy) >= seconds + 2:
            return sum(busy[-seconds:]) / seconds
        time.sleep(0.2)
    return 0.0


def stop(processes):
    for process in processes:
        process.send_signal(signal.SIGINT)
    for process in processes:
        try:
            process.wait(10)
        except Exception:  # pylint: disable=broad-except
            process.kill()


def clear(cables):
    for name in ("sender.log", "receiver.log", "middle.log"):
        (cables.folder / name).unlink(missing_ok=True)


def measure_testpmd(cables, seconds):
    """testpmd between the cables: no NAT, no routing, the bound of this arrangement."""
    clear(cables)
    running = [testpmd(cables, "middle", GATEWAY_CORE, [("server", "lan"), ("server", "wan")],
                       "--forward-mode=io")]
    try:
        cables.wait_for("testpmd between the cables",
                        lambda: (cables.folder / "wan.memif").exists(), 15)
        running += [receiver(cables), generator(cables, "02:00:5e:00:53:01")]
        return received_pps(cables, seconds)
    finally:
        stop(running)


def measure_towpath(cables, seconds):
    clear(cables)
    (cables.folder / "wan.memif").unlink(missing_ok=True)
    config = CONFIG.format(core=GATEWAY_CORE, folder=cables.folder)
    towpath = gateway.Towpath(cables, config, "memif")
    towpath.launch()
    running = []
    try:
        cables.wait_for("towpath with memif ports", lambda: lan_mac(towpath), 20)
        running += [receiver(cables), generator(cables, lan_mac(towpath))]
        rate = received_pps(cables, seconds)
        if rate == 0:
            raise topology.LabError(f"nothing arrived; {towpath.words(5)}")
        return rate
    finally:
        stop(running)
        towpath.stop()


def lan_mac(towpath):
    """The hardware address of Towpath's lan port, or nothing while it is not up."""
    if towpath.process.poll() is not None:
        raise topology.LabError(f"towpath run ended: {towpath.words(5)}")
    done = towpath.client("interfaces", "--json")
    if done.returncode != 0:
        return ""
    listed = json.loads(done.stdout)
    rows = listed if isinstance(listed, list) else listed.get("interfaces", [])
    return next((row.get("mac", "") for row in rows if row.get("name") == "lan"), "")


def measure(cables, seconds):
    rows = {}
    for name, title, function in (
            ("testpmd", "testpmd io forwarding on one core, no NAT", measure_testpmd),
            ("towpath", "Towpath, memif, one worker, NAT", measure_towpath)):
        rows[name] = {"title": title}
        try:
            rows[name]["pps"] = function(cables, seconds)
        except topology.LabError as problem:
            rows[name]["error"] = str(problem).splitlines()[0]
    return rows
