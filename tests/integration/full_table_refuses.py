#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""REQ-12 of RFC 6888 in spirit: a full mapping table refuses the new and keeps the live. Every mapping
made before keeps its outside endpoint, the refusal is counted by name, and the inside host hears what
nat.exhaustion-icmp says, also after a reload. Most of the ICMP errors are suppressed; the packets
count under their own reason all the same.

    a -- lan -- towpath (1024 mappings) -- router -- stun (flow_server)
"""
import socket
import time

from support import (A, FLOW_PORT, LAN_ADDRESS, QUICK_START, STATISTICS_AGE_S, STUN, Lab, Towpath,
                     behaviour, check, counted, equal, outside_endpoint, received, socket_in,
                     start_flow_server)

LIMIT = 1024


def config_with(answer):
    return QUICK_START.replace(
        "nat: {", f"nat: {{limits: {{mappings: {LIMIT}}}, exhaustion-icmp: {answer}, ")


def heard_when_refused(lab):
    """Type and code of the ICMP error that a's next flow draws, or None."""
    listener = socket_in(lab, "a", socket.SOCK_RAW, timeout_s=1, protocol=socket.IPPROTO_ICMP)
    socket_in(lab, "a", address=A).sendto(b"one more", (STUN, FLOW_PORT))
    until = time.monotonic() + 1
    while time.monotonic() < until:
        answer = received(listener)
        if answer is not None and answer[1][0] == LAN_ADDRESS:
            return answer[0][20], answer[0][21]
    return None


def refused_packets_keep_their_reason(lab, towpath):
    """One flow that sends five times and sixty that send once: few of them hear of it."""
    time.sleep(STATISTICS_AGE_S)
    before = towpath.json("drops")["totals"]
    refused = towpath.drops().get("nat_mapping_table_full", 0)
    inside = [socket_in(lab, "a", address=A) for _ in range(61)]
    for sender in inside[:1] * 4 + inside:
        sender.sendto(b"refused", (STUN, FLOW_PORT))
    counted(lab, towpath, "nat_mapping_table_full", refused + 65)
    time.sleep(STATISTICS_AGE_S)
    after = towpath.json("drops")
    by_reason = {row["reason"]: row["total"] for row in after["drops"]}
    equal(by_reason["nat_mapping_table_full"], refused + 65, "packets that were refused")
    equal(sum(by_reason.values()), after["totals"]["dropped"], "drops of all reasons")
    rise = {key: after["totals"][key] - before[key]
            for key in ("icmp_errors_over_rate", "icmp_errors_repeated", "dropped")}
    print(f"suppressed ICMP errors: {rise}")
    equal(rise["icmp_errors_repeated"], 4, "repeated ICMP errors")
    check(0 < rise["icmp_errors_over_rate"] < 60, f"ICMP errors beyond the rate: {rise}")
    shown = towpath.client("drops").stdout
    check("ICMP errors about them that were not sent" in shown, f"towpath drops: {shown}")


def full_ports_are_warned_of(lab):
    """More flows than ports: status says so while it happens."""
    config = QUICK_START.replace("nat: {", "nat: {ports: 1024-1087, ")
    with Towpath(lab, config) as towpath:
        inside = [socket_in(lab, "a", address=A) for _ in range(100)]

        def is_warned_of():
            for sender in inside:
                sender.sendto(b"one of too many", (STUN, FLOW_PORT))
            return "WARN  nat_port_exhausted is rising" in towpath.client("status").stdout

        lab.wait_for("the warning of port exhaustion", is_warned_of, 10, pause=0.3)
        counted(lab, towpath, "nat_port_exhausted", 36)


@behaviour
def full_table_refuses():
    with Lab("full") as lab:
        start_flow_server(lab)
        with Towpath(lab, config_with("host-unreachable")) as towpath:
            held = []
            while len(held) < LIMIT + 50:
                inside = socket_in(lab, "a", address=A, timeout_s=0.5)
                inside.sendto(b"seen", (STUN, FLOW_PORT))
                try:
                    answer = received(inside)
                except OSError:  # the ICMP error that says so
                    answer = None
                if answer is None:
                    break
                held.append((inside, outside_endpoint(inside)))
            print(f"{len(held)} mappings before the first refusal")
            check(LIMIT - 8 <= len(held) <= LIMIT, f"{len(held)} mappings of {LIMIT}")
            counted(lab, towpath, "nat_mapping_table_full", 1)
            equal(heard_when_refused(lab), (3, 1), "ICMP with host-unreachable")
            refused_packets_keep_their_reason(lab, towpath)
            for answer, wanted in (("admin-prohibited", (3, 13)), ("silent", None)):
                towpath.write(config_with(answer))
                done = towpath.client("reload")
                equal(done.returncode, 0, f"towpath reload: {done.stdout}{done.stderr}")
                equal(heard_when_refused(lab), wanted, f"ICMP with {answer}")
            for inside, outside in held:
                equal(outside_endpoint(inside), outside, "a live mapping's outside endpoint")
        full_ports_are_warned_of(lab)
