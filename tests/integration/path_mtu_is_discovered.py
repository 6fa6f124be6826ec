#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""RFC 1191 through the NAT: the router's fragmentation-needed reaches the inside host, which then
sends smaller segments; and a packet above the MTU of Towpath's own link is answered by Towpath.

    a -- lan -- towpath -- router --(MTU 1300)-- web 203.0.113.70
"""
import hashlib
import re
import socket
import threading

from support import A, WEB_NARROW, Lab, Towpath, behaviour, check, equal, measure, socket_in

SIZE = 4 << 20


def _upload(lab):
    server = socket_in(lab, "web", socket.SOCK_STREAM, WEB_NARROW, 9002, 10)
    server.listen()
    payload = bytes(range(256)) * (SIZE // 256)
    got = hashlib.sha256()

    def take():
        connection, _ = server.accept()
        connection.settimeout(10)
        while part := connection.recv(1 << 16):
            got.update(part)

    taker = threading.Thread(target=take)
    taker.start()
    client = socket_in(lab, "a", socket.SOCK_STREAM, timeout_s=20)
    client.connect((WEB_NARROW, 9002))
    client.sendall(payload)
    client.close()
    taker.join(20)
    equal(got.hexdigest(), hashlib.sha256(payload).hexdigest(), "the uploaded bytes")


@behaviour
def path_mtu_is_discovered():
    with Lab("pmtu") as lab:
        measure.start_services(lab, file_bytes=1)
        with Towpath(lab):
            words = lab.run("a", "ping", "-n", "-c", "2", "-i", "0.2", "-W", "1", "-M", "do", "-s",
                            "1400", WEB_NARROW).stdout
            check(re.search(r"mtu ?= ?1300", words), f"no fragmentation-needed came back:\n{words}")
            lab.must("a", "ip", "route", "flush", "cache")
            _upload(lab)
            cached = lab.must("a", "ip", "route", "get", WEB_NARROW, "from", A)
            check("mtu 1300" in cached, f"TCP did not learn the path's MTU: {cached}")
