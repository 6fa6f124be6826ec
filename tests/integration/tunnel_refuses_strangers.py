#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Keys decide: a stranger and a peer with another preshared key hear nothing of use and reach nobody;
the right preshared key lets through; peers with low-order keys never draw a packet (wireguard.md
18.4; section 19 number 23).

    a -- lan -- towpath (wg0) -- router -- web (wireguard-go; and where low-order peers would be)
"""
import time

from support import A, WAN_ADDRESS, WEB, Lab, Towpath, behaviour, check, equal
from lab.tunnels import PEER_ADDRESS, PEER_PREFIXES, Outer, endpoint, gateway_config, write_quick
from lab.wireguard import PORT, UserSpacePeer, key_pair, peer, preshared_key

# Without zero, which is no key: the configuration with it is refused.
LOW_ORDER = ("AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
             "4Ot6fDtBuK4WVuP68Z/EatoJjeucMrH9hmIFFl9JuAA=",
             "X5yVvKNQjCSx0LFVnIPvWwREXMRYHI6G2CJO3dCfEVc=",
             "7P///////////////////////////////////////38=",
             "7f///////////////////////////////////////38=",
             "7v///////////////////////////////////////38=")
LOW_PORT = PORT + 7


def reaches(lab):
    words = lab.run("web", "ping", "-n", "-c3", "-i0.2", "-W1", A).stdout
    return " 3 received" in words


def types(wire, address):
    return {head[0] for source, _, head in wire.messages() if source == endpoint(address)}


@behaviour
def tunnel_refuses_strangers():
    with Lab("key") as lab:
        private, public = key_pair()
        shared = preshared_key()
        client = UserSpacePeer(lab, "web", addresses=(f"{PEER_ADDRESS}/24",))
        low = [peer(key, [f"10.98.{at}.0/24"], endpoint(WEB, LOW_PORT), keepalive=1)
               for at, key in enumerate(LOW_ORDER)]
        quick = write_quick(lab, private, [
            peer(client.public, PEER_PREFIXES, preshared=shared), *low])
        with Outer(lab, port=LOW_PORT) as low_wire, \
                Towpath(lab, gateway_config(quick)) as towpath, client:
            begun = time.monotonic()

            def calls(key, preshared):
                client.configure([peer(key, ["0.0.0.0/0"], endpoint(WAN_ADDRESS),
                                       preshared=preshared)], PORT)
                client.route("10.77.1.0/24")
                with Outer(lab) as wire:
                    return reaches(lab), types(wire, WAN_ADDRESS)

            equal(calls(public, None), (False, {2}), "without the preshared key")
            equal(calls(public, preshared_key()), (False, {2}), "with another preshared key")
            equal(calls(key_pair()[1], shared), (False, set()), "who takes us for somebody else")
            words = towpath.client("peers").stdout
            check("is for another key than ours" in words, f"of who took us for somebody else: {words}")
            own, client.private = client.private, key_pair()[0]
            equal(calls(public, shared), (False, set()), "a stranger")
            client.private = own
            passes, _ = calls(public, shared)
            check(passes, f"with the preshared key: {towpath.drops()}\n{towpath.words()}")
            label = f"wg0: peer {client.public[:10]}..."
            for line in (f"{endpoint(WEB)} calls with a key that no peer has, ",
                         f"{label} is up: it called from {endpoint(WEB)}",
                         "generation 1 applied (start)"):
                equal(lab.log("gateway.log").count(line), 1, f"lines with '{line}'")
            check("calls with a key" not in towpath.client("peers").stdout,
                  "who is up is called a stranger still")
            lab.run("a", "ping", "-n", "-c1", "-W1", "10.98.1.1")
            time.sleep(max(0.0, 3 - (time.monotonic() - begun)))
        equal(low_wire.messages(), [], "what was sent to peers with low-order keys")
