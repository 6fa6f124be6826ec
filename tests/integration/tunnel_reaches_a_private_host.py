#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Subnet router and exit node: wireguard-go behind a hard NAT reaches a private host untranslated,
the host reaches it, and the Internet sees the gateway's address. The gateway's own host answers on
the tunnel's address (decisions.md W10, W13).

    c (wireguard-go) -- hard NAT -- router -- towpath (wg0, 10.99.0.1) -- lan -- a
                                      |
                                     web
"""
from support import A, C, Lab, QUICK_START, Towpath, WAN_ADDRESS, WEB, behaviour, check, equal
from lab.wireguard import PORT, UserSpacePeer, key_pair, peer, with_tunnel


@behaviour
def tunnel_reaches_a_private_host():
    with Lab("tunl") as lab:
        private, public = key_pair()
        client = UserSpacePeer(lab, "c", addresses=("10.99.0.2/24",))
        config = with_tunnel(lab, QUICK_START, private, [peer(client.public, ["10.99.0.2/32"])])
        with Towpath(lab, config) as towpath, client:
            client.configure([peer(public, ["0.0.0.0/0"], f"{WAN_ADDRESS}:{PORT}")])
            client.route("10.77.1.0/24", "203.0.113.0/26")
            done = lab.run("c", "ping", "-c5", "-i0.2", "-W2", "-n", A)
            check(" 5 received" in done.stdout, f"c pings a through the tunnel: {done.stdout}"
                  f"{towpath.words()}\n{client.wg('show')}{towpath.drops()}")
            done = lab.run("a", "ping", "-c3", "-i0.2", "-W2", "-n", "10.99.0.2")
            check(" 3 received" in done.stdout, f"a pings c: {done.stdout}{towpath.drops()}")
            done = lab.run("gateway", "ping", "-c3", "-i0.2", "-W2", "-n", "10.99.0.2")
            check(" 3 received" in done.stdout, f"the host pings c: {done.stdout}{towpath.drops()}")
            lab.spawn("web", "python3", "-u", "-m", "http.server", "80", log="http.log")
            lab.wait_for("web", lambda: "Serving" in lab.log("http.log"), 5)
            done = lab.run("c", "curl", "-s", "-m", "10", "-o", "/dev/null", "-w", "%{http_code}",
                           f"http://{WEB}/")
            equal(done.stdout, "200", f"what c fetched through the exit node ({towpath.drops()})")
            check(WAN_ADDRESS in lab.log("http.log") and C not in lab.log("http.log"),
                  f"web saw {lab.log('http.log')}")
