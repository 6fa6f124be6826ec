#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""N22: 100 000 flows at once, 60 % UDP, over two pool addresses and 72 000 mappings: every one is
answered, answered again, keeps its outside endpoint and shares it with nobody.

    a, b -- lan -- towpath (192.0.2.10 and .11) -- router -- stun (198.51.100.1 and .2)
"""
# timeout_s: 300
import json
from concurrent.futures import ThreadPoolExecutor

from support import (FLOW_PORT, QUICK_START, STUN, STUN_OTHER, WAN_ADDRESS, Lab, Towpath, behaviour,
                     check, equal, program, start_flow_server)
from lab.topology import SECOND_WAN_ADDRESS

# 16 inside addresses, because pairing gives each of them one pool address for good: all 16 on the
# same happens once in 32 768 runs. Each has 5 000 to 7 500 flows of one kind: (kind, sources, sources
# with two remotes).
KINDS = (("udp", 5000, 2500), ("tcp", 4000, 1000))
INSIDE = [("a", f"10.77.1.{number}") for number in range(20, 28)] + [
    ("b", f"10.77.1.{number}") for number in range(28, 36)]
HOLD_S = 20


def run(lab, host, address, kind, sources, two):
    """(the account, the outside endpoints with their protocol)"""
    held = lab.folder / f"held-{address}"
    done = lab.run(host, program("many_flows"), f"{address}:10000", kind, sources, two,
                   f"{STUN}:{FLOW_PORT}", f"{STUN_OTHER}:{FLOW_PORT}", HOLD_S, held, timeout=240)
    check(done.returncode == 0, f"many_flows: {done.stdout}{done.stderr}")
    return json.loads(done.stdout), [(kind, line) for line in held.read_text().splitlines()]


@behaviour
def hundred_thousand_flows():
    config = QUICK_START.replace("[192.0.2.10/24]", "[192.0.2.10/24, 192.0.2.11/24]")
    with Lab("many") as lab:
        start_flow_server(lab, processes=4)
        with Towpath(lab, config) as towpath:
            for host, address in INSIDE:
                lab.must(host, "ip", "address", "add", f"{address}/24", "dev", "eth0")
            with ThreadPoolExecutor(len(INSIDE)) as pool:
                running = [pool.submit(run, lab, host, address, *KINDS[number % 2])
                           for number, (host, address) in enumerate(INSIDE)]
                done = [one.result() for one in running]
            total = {key: sum(account[key] for account, _ in done) for key in done[0][0]}
            equal((total["flows"], total["answered"], total["answered_again"]),
                  (100000, 100000, 100000), "flows, answered, answered again")
            equal((total["moved"], total["shared"]), (0, 0), "moved, shared")
            endpoints = [endpoint for _, held in done for endpoint in held]
            equal(len(set(endpoints)), len(endpoints), "distinct outside endpoints")
            check(len(endpoints) >= 70000, f"mappings: {len(endpoints)}")
            addresses = {line.split(":")[0] for _, line in endpoints}
            equal(sorted(addresses), [WAN_ADDRESS, SECOND_WAN_ADDRESS], "pool addresses in use")
            print(f"{total['flows']} flows, {len(endpoints)} mappings")
            words = towpath.client("status").stdout
            print(next((line for line in words.splitlines() if line.startswith("nat")), words))
