#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""RFC 4787 REQ-8, RFC 5382 REQ-3: each of the three filterings, chosen per protocol, is what a STUN
client and a bound TCP socket see. Mapping stays endpoint-independent throughout.

    a -- lan -- towpath -- router -- stun (198.51.100.1 and .2)
"""
# timeout_s: 150
from support import QUICK_START, Lab, Towpath, behaviour, check, equal, measure

DEFAULT = "{udp: endpoint-independent, tcp: address-and-port-dependent}"
CHOICES = (
    (DEFAULT, "EIF", "APDF"),
    ("{udp: address-dependent, tcp: endpoint-independent}", "ADF", "EIF"),
    ("{udp: address-and-port-dependent, tcp: address-dependent}", "APDF", "ADF"),
)


@behaviour
def filtering_is_what_was_configured():
    check(DEFAULT in QUICK_START, "the quick-start configuration names its filtering")
    with Lab("filter") as lab:
        measure.start_services(lab, file_bytes=1)
        for choice, udp_wanted, tcp_wanted in CHOICES:
            with Towpath(lab, QUICK_START.replace(DEFAULT, choice)):
                udp, tcp = measure.udp_behaviour(lab), measure.tcp_behaviour(lab)
                equal((udp["mapping"], udp["filtering"]), ("EIM", udp_wanted), f"UDP, {choice}")
                equal((tcp.get("mapping"), tcp.get("filtering")), ("EIM", tcp_wanted),
                      f"TCP, {choice}: {tcp}")
