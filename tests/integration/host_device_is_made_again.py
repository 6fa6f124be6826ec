#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""N10, W10: the host's devices. One of a tunnel's name that is there at start, somebody else's, is named
with what to do, and doing it helps. One of ours that somebody deletes is made again, with its
addresses and routes, within seconds; status and log say so; what is forwarded does not notice.

    a -- lan -- lan0 (TAP lan, TUN wg0 of the host, towpath) wan0 -- router -- web
"""
from support import (A, WEB, Lab, Towpath, behaviour, check, equal, measure, socket_in,
                     outside_endpoint, start_flow_server)
from lab.tunnels import PEER_ADDRESS, gateway_config, write_quick
from lab.wireguard import key_pair, peer

QUICKLY_S = 5


def addresses_and_routes(lab, device):
    """What the kernel has on a device of the gateway; without indices and life times."""
    addresses = [line.split()[3] for line in lab.must("gateway", "ip", "-o", "-4", "address", "show",
                                                      "dev", device).splitlines()]
    return addresses, lab.must("gateway", "ip", "route", "show", "dev", device).splitlines()


def has(lab, device):
    return lab.run("gateway", "ip", "link", "show", "dev", device).returncode == 0


def a_strangers_device_is_named(lab, towpath):
    lab.wait_for("a status that names the other wg0",
                 lambda: "the host has another device wg0, so ours is tp-wg0" in
                 towpath.client("status").stdout, QUICKLY_S)
    check("another device wg0" in towpath.words(), f"the log names it: {towpath.words()}")
    kept = addresses_and_routes(lab, "tp-wg0")
    for device in ("wg0", "tp-wg0"):
        lab.must("gateway", "ip", "link", "delete", device)
    lab.wait_for("wg0 as ours", lambda: has(lab, "wg0"), QUICKLY_S)
    lab.wait_for(f"addresses and routes {kept}",
                 lambda: addresses_and_routes(lab, "wg0") == kept, QUICKLY_S)
    check(not has(lab, "tp-wg0"), "tp-wg0 is there beside wg0")
    lab.wait_for("a status without the other wg0",
                 lambda: "another device" not in towpath.client("status").stdout, QUICKLY_S)


def is_made_again(lab, towpath, device):
    kept = addresses_and_routes(lab, device)
    check(kept[0], f"{device} had an address")
    lab.must("gateway", "ip", "link", "delete", device)
    lab.wait_for(f"{device} with {kept}",
                 lambda: has(lab, device) and addresses_and_routes(lab, device) == kept, QUICKLY_S)
    said = f"{device}: somebody deleted the host's device {device}"
    lab.wait_for(f"a status that says {said}", lambda: said in towpath.client("status").stdout,
                 QUICKLY_S)
    check(said in towpath.words(), f"the log says it: {towpath.words()}")


@behaviour
def host_device_is_made_again():
    with Lab("hostdev") as lab:
        start_flow_server(lab)
        path = write_quick(lab, key_pair()[0], [peer(key_pair()[1], [f"{PEER_ADDRESS}/32"])])
        lab.must("gateway", "ip", "tuntap", "add", "dev", "wg0", "mode", "tun")
        with Towpath(lab, gateway_config(path)) as towpath:
            inside = socket_in(lab, "a", address=A)
            before = outside_endpoint(inside)
            a_strangers_device_is_named(lab, towpath)
            for device in ("wg0", "lan", "wan"):
                is_made_again(lab, towpath, device)
            for target in (A, WEB):
                lab.wait_for(f"the host's own pings of {target}",
                             lambda to=target: measure.ping(lab, "gateway", to, count=2)["received"]
                             == 2, QUICKLY_S)
            equal(outside_endpoint(inside), before, "the mapping is the one from before")
            equal(measure.ping(lab)["received"], 5, "replies that a gets")
        for device in ("wg0", "lan", "wan"):
            check(not has(lab, device), f"{device} is left behind")
