#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""The `memif` driver, server and client: a Towpath that only routes hands its packets through shared
memory to a Towpath that translates them. Endpoint-independent UDP and a file, intact.

    a -- lan0 towpath (routes) [10.77.3.1 = memif = 10.77.3.2] towpath (NAT) wan0 -- router -- stun, web
"""
from support import Lab, Towpath, behaviour, equal, measure

ROUTING = """\
version: 1
interfaces:
  lan: {{match: {{name: lan0}}, driver: af_packet, addresses: [10.77.1.1/24]}}
  up: {{driver: memif, memif: {{socket: {folder}/wire, role: client, id: 5}}, addresses: [10.77.3.1/24]}}
routes: {{static: [{{to: 0.0.0.0/0, via: 10.77.3.2}}]}}
"""
TRANSLATING = """\
version: 1
interfaces:
  down: {{driver: memif, memif: {{socket: {folder}/wire, role: server, id: 5}}, addresses: [10.77.3.2/24]}}
  wan: {{match: {{name: wan0}}, driver: af_packet, addresses: [192.0.2.10/24]}}
routes: {{static: [{{to: 0.0.0.0/0, via: 192.0.2.1}}, {{to: 10.77.1.0/24, via: 10.77.3.1}}]}}
nat: {{inside: [down], outside: wan}}
"""


@behaviour
def memif_joins_two_gateways():
    with Lab("memif") as lab:
        measure.start_services(lab, file_bytes=1 << 20)
        nat = Towpath(lab, TRANSLATING.format(folder=lab.folder), "nat")
        nat.launch()
        lab.wait_for("the server", lambda: nat.client("status").returncode == 0, 15)
        with Towpath(lab, ROUTING.format(folder=lab.folder), "routing") as routing:
            drivers = [row["driver"] for towpath in (routing, nat)
                       for row in towpath.json("interfaces")["interfaces"]]
            equal(sorted(drivers), ["af_packet", "af_packet", "memif", "memif"], "the drivers")
            seen = measure.udp_behaviour(lab)
            equal((seen["mapping"], seen["filtering"]), ("EIM", "EIF"), "UDP")
            equal(measure.fetch(lab)["words"], "same", "the file")
            equal(routing.json("status")["mappings"]["udp"], 0, "mappings where nothing is translated")
        equal(nat.stop(), 0, "towpath run")
