#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""TCP through a tunnel of 1420 bytes between links of 1500: SYNs name an MSS that fits the tunnel,
in both directions, although the peer's own interface says 1500; and beyond an exit node whose way
on has an MTU of 1300, path MTU discovery does the rest (decisions.md W8).

    c (wireguard-go, MTU 1500) -- hard NAT -- router -- towpath (wg0, MTU 1420) -- lan -- a
                                                |
                                            (MTU 1300) web
"""
# timeout_s: 120
import hashlib
import re
import socket
import threading

from support import (A, Lab, QUICK_START, Towpath, WAN_ADDRESS, WEB_NARROW, behaviour, check, equal,
                     socket_in)
from lab.wireguard import PORT, UserSpacePeer, key_pair, peer

CLIENT, MSS = "10.99.0.2", 1420 - 40
PAYLOAD = bytes(range(256)) * 4096  # 1 MiB


def _take(connection):
    got = hashlib.sha256()
    while part := connection.recv(1 << 16):
        got.update(part)
    return got.hexdigest()


def _exchange(lab, client, server, address, answer=PAYLOAD):
    """A connection from one host to another: the payload goes up, then an answer down."""
    listener = socket_in(lab, server, socket.SOCK_STREAM, address, 9002, 20)
    listener.listen()
    answers = {}

    def serve():
        connection, _ = listener.accept()
        connection.settimeout(20)
        answers["up"] = _take(connection)
        connection.sendall(answer)
        connection.close()

    thread = threading.Thread(target=serve)
    thread.start()
    with socket_in(lab, client, socket.SOCK_STREAM, timeout_s=20) as connection:
        connection.connect((address, 9002))
        connection.sendall(PAYLOAD)
        connection.shutdown(socket.SHUT_WR)
        answers["down"] = _take(connection)
    thread.join(20)
    listener.close()
    equal(answers, {"up": hashlib.sha256(PAYLOAD).hexdigest(),
                    "down": hashlib.sha256(answer).hexdigest()}, f"what {client} and {server} got")


def _watch(lab, host, log):
    """tcpdump, which writes down the SYNs that a host sees."""
    process = lab.spawn(host, "tcpdump", "-l", "-nn", "-i", "any", "tcp[13] & 2 != 0", log=log)
    lab.wait_for(f"tcpdump on {host}", lambda: "listening on" in lab.log(log), 10)
    return process


def _named(lab, log, source):
    """The MSS of each SYN that came from an address."""
    return {int(mss) for mss in re.findall(rf"IP {re.escape(source)}\.\d+ > .*?mss (\d+)",
                                           lab.log(log))}


@behaviour
def tunnel_carries_tcp():
    with Lab("tntc") as lab:
        private, public = key_pair()
        client = UserSpacePeer(lab, "c", addresses=(f"{CLIENT}/24",), mtu=1500)
        path = lab.folder / "wg0.conf"
        path.write_text(f"[Interface]\nPrivateKey = {private}\nAddress = 10.99.0.1/24\nMTU = 1420\n"
                        f"ListenPort = {PORT}\n{peer(client.public, [f'{CLIENT}/32'])}",
                        encoding="ascii")
        path.chmod(0o600)
        config = QUICK_START.replace("inside: [lan]", "inside: [lan, wg0]") + (
            f"wireguard:\n  wg0: {{config: {path}}}\n")
        with Towpath(lab, config) as towpath, client:
            client.configure([peer(public, ["0.0.0.0/0"], f"{WAN_ADDRESS}:{PORT}")])
            client.route("10.77.1.0/24", "203.0.113.64/26")
            _watch(lab, "a", "a.dump")
            _watch(lab, "c", "c.dump")
            _exchange(lab, "c", "a", A)
            _exchange(lab, "a", "c", CLIENT)
            _exchange(lab, "c", "web", WEB_NARROW, b"done")  # only its router knows of 1300
            # Both as client and as server, what either heard of the other.
            lab.wait_for("the dumps", lambda: _named(lab, "a.dump", CLIENT)
                         and _named(lab, "c.dump", A), 5)
            equal(_named(lab, "a.dump", CLIENT), {MSS}, "MSS of c, as a sees it")
            check(MSS in _named(lab, "c.dump", A), f"c saw of a {_named(lab, 'c.dump', A)}")
            equal(_named(lab, "c.dump", A), {MSS}, "MSS of a, as c sees it")
            equal(towpath.drops().get("seal_no_room", 0), 0, "packets too long to seal")
