#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""REQ-12 of RFC 6888 in spirit: a full mapping table refuses the new and keeps the live. Every mapping
made before keeps its outside endpoint, the refusal is counted by name, and the inside host hears it.

    a -- lan -- towpath (1024 mappings) -- router -- stun (flow_server)
"""
from support import (A, QUICK_START, STUN, FLOW_PORT, Lab, Towpath, behaviour, check, counted,
                     equal, outside_endpoint, received, socket_in, start_flow_server)

LIMIT = 1024


@behaviour
def full_table_refuses():
    config = QUICK_START.replace("nat: {", f"nat: {{limits: {{mappings: {LIMIT}}}, ")
    with Lab("full") as lab:
        start_flow_server(lab)
        with Towpath(lab, config) as towpath:
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
            for inside, outside in held:
                equal(outside_endpoint(inside), outside, "a live mapping's outside endpoint")
