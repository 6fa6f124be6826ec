#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""U-01 and RFC 4787 REQ-1, REQ-8, REQ-9: turnutils_natdiscovery reports endpoint-independent mapping
and filtering, and hairpinning, from either inside host.

    a, b -- lan -- towpath -- router -- stun (198.51.100.1 and .2, RFC 5780)
"""
from support import A, B, Lab, Towpath, behaviour, equal, measure


@behaviour
def udp_is_endpoint_independent():
    with Lab("udp") as lab:
        measure.start_services(lab, file_bytes=1)
        with Towpath(lab):
            for host, address in (("a", A), ("b", B)):
                seen = measure.udp_behaviour(lab, host, address)
                equal((seen["mapping"], seen["filtering"], seen["hairpin"]), ("EIM", "EIF", "yes"),
                      f"UDP from {host}\n{seen['words']}\n")
