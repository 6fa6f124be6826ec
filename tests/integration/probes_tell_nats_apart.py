#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""The probes themselves: a hard NAT made by the kernel looks hard, an easy one made by the kernel
looks easy. Without this the other tests could pass because a probe always says the same.

    a -- lan -- gateway (kernel: masquerade random,fully-random, then a full cone) -- router -- stun
                                                                                        \\- hard -- c
"""
from support import FullCone, Lab, Masquerade, behaviour, equal, measure

LOOKS = {
    Masquerade: ("APDM", "APDF", "no", False),
    FullCone: ("EIM", "EIF", "yes", True),
}


@behaviour
def probes_tell_nats_apart():
    with Lab("probe") as lab:
        measure.start_services(lab, file_bytes=1)
        for kind, (mapping, filtering, hairpin, direct) in LOOKS.items():
            with kind(lab):
                udp, tcp = measure.udp_behaviour(lab), measure.tcp_behaviour(lab)
                for name, seen in (("UDP", udp), ("TCP", tcp)):
                    equal((seen.get("mapping"), seen.get("filtering"), seen.get("hairpin")),
                          (mapping, filtering, hairpin), f"{kind.name}, {name}")
                equal(measure.ice(lab)["direct"], direct, f"{kind.name}, ICE direct")
