#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""REQ-12 of RFC 6888 in spirit: a full mapping table refuses the new and keeps the live. Every mapping
made before keeps its outside endpoint, the refusal is counted by name, and the inside host hears what
nat.exhaustion-icmp says, also after a reload.

    a -- lan -- towpath (1024 mappings) -- router -- stun (flow_server)
"""
import socket
import time

from support import (A, FLOW_PORT, LAN_ADDRESS, QUICK_START, STUN, Lab, Towpath, behaviour, check,
                     counted, equal, outside_endpoint, received, socket_in, start_flow_server)

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
            for answer, wanted in (("admin-prohibited", (3, 13)), ("silent", None)):
                towpath.write(config_with(answer))
                done = towpath.client("reload")
                equal(done.returncode, 0, f"towpath reload: {done.stdout}{done.stderr}")
                equal(heard_when_refused(lab), wanted, f"ICMP with {answer}")
            for inside, outside in held:
                equal(outside_endpoint(inside), outside, "a live mapping's outside endpoint")
