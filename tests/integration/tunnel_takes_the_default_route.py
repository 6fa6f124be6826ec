#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""A peer that is allowed everything gets everything but the outer packets, which never enter a tunnel
(decisions.md W6); a more specific prefix of another peer wins; a reload swaps the two (wireguard.md
section 19 number 22).

    a -- lan -- towpath (wg0) -- router -- web (wireguard-go twice, with addresses of a far network)
"""
from support import WAN_ADDRESS, WEB, Lab, Towpath, behaviour, check, equal
from lab.tunnels import endpoint, gateway_config, write_quick
from lab.wireguard import PORT, UserSpacePeer, key_pair, peer

FAR, NEARER, NEARER_PREFIX = "10.88.0.1", "10.88.1.1", "10.88.1.0/24"


def transferred(client):
    return int(client.dump()[0]["receive_bytes"])


def received_by(lab, towpath, clients, target):
    """What each peer receives of five pings of 1000 bytes from a."""
    before = [transferred(client) for client in clients]
    done = lab.run("a", "ping", "-n", "-c5", "-i0.1", "-W1", "-s1000", target)
    check(" 5 received" in done.stdout, f"a to {target}: {done.stdout}{towpath.drops()}")
    return [transferred(client) - bytes_before > 5000
            for client, bytes_before in zip(clients, before)]


@behaviour
def tunnel_takes_the_default_route():
    with Lab("dflt") as lab:
        private, public = key_pair()
        clients = [UserSpacePeer(lab, "web", f"wg{number}", addresses=(f"{address}/32",))
                   for number, address in enumerate((FAR, NEARER))]
        for number, client in enumerate(clients):
            client.start()
            client.configure([peer(public, ["0.0.0.0/0"], endpoint(WAN_ADDRESS))],
                             PORT + 1 + number)
            table = 200 + number
            lab.must("web", "ip", "route", "add", "10.77.1.0/24", "dev", client.name, "table", table)
            lab.must("web", "ip", "rule", "add", "from", client.addresses[0].split("/")[0],
                     "lookup", table)

        def configured(prefixes):
            return write_quick(lab, private, [
                peer(client.public, [prefix], endpoint(WEB, PORT + 1 + number))
                for number, (client, prefix) in enumerate(zip(clients, prefixes))])

        # Neutral: what comes from everywhere is not inside.
        config = gateway_config(configured(("0.0.0.0/0", NEARER_PREFIX))).replace(
            "inside: [lan, wg0]", "inside: [lan]")
        with Towpath(lab, config) as towpath:
            equal(received_by(lab, towpath, clients, FAR), [True, False], "who gets what is for nobody else")
            equal(received_by(lab, towpath, clients, NEARER), [False, True], "who gets the nearer prefix")
            # Each has the other's address now, so that it is who answers that changes.
            for client, address in zip(clients, (NEARER, FAR)):
                lab.must("web", "ip", "address", "flush", "dev", client.name)
                lab.must("web", "ip", "address", "add", f"{address}/32", "dev", client.name)
            for number, address in enumerate((NEARER, FAR)):
                lab.must("web", "ip", "rule", "del", "lookup", 200 + number)
                lab.must("web", "ip", "route", "replace", "10.77.1.0/24", "dev", f"wg{number}",
                         "table", 200 + number)
                lab.must("web", "ip", "rule", "add", "from", address, "lookup", 200 + number)
            configured((NEARER_PREFIX, "0.0.0.0/0"))
            done = towpath.client("reload")
            equal(done.returncode, 0, f"reload: {done.stdout}{done.stderr}")
            equal(received_by(lab, towpath, clients, FAR), [False, True], "swapped: the rest")
            equal(received_by(lab, towpath, clients, NEARER), [True, False], "swapped: the nearer prefix")
