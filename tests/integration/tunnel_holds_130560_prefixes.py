#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""A peer with 130 560 allowed IPs, half of them IPv6 (decisions.md W12; wireguard.md section 19 number
20), by a wg-quick file and by the stock `wg`: all are listed, all move to another peer at once, and
come back.

    towpath (wg0), wg in its namespace
"""
import time

from support import Lab, Towpath, behaviour, equal
from lab.tunnels import gateway_config, write_quick
from lab.wireguard import PORT, key_pair, peer

PREFIXES = sorted(
    [f"10.128.{low}.{host}/32" for low in range(255) for host in range(256)]
    + [f"2001:db8:{low:x}::{host:x}/128" for low in range(1, 256) for host in range(256)])


def listed(towpath):
    rows = dict(line.split("\t") for line in
                towpath.wg("show", "wg0", "allowed-ips").splitlines())
    return {key: set(words.split()) - {"(none)"} for key, words in rows.items()}


@behaviour
def tunnel_holds_130560_prefixes():
    equal(len(PREFIXES), 130_560, "prefixes of the test")
    wanted = {prefix.replace("::0/", "::/") for prefix in PREFIXES}
    with Lab("pref") as lab:
        private, _ = key_pair()
        one, other = sorted((key_pair()[1], key_pair()[1]))
        # Neutral: an inside tunnel's prefixes are sources of the NAT, of which there are fewer.
        quick = write_quick(lab, private, [peer(one, PREFIXES), peer(other, [])])
        config = gateway_config(quick).replace("inside: [lan, wg0]", "inside: [lan]")
        with Towpath(lab, config) as towpath:
            lab.wait_for("the prefixes", lambda: listed(towpath) == {one: wanted, other: set()}, 20)
            path = lab.folder / "moved.conf"
            for to, left in ((other, one), (one, other)):
                path.write_text(f"[Interface]\nPrivateKey = {private}\nListenPort = {PORT}\n"
                                + peer(left, []) + peer(to, PREFIXES), encoding="ascii")
                begin = time.monotonic()
                towpath.wg("setconf", "wg0", path)
                taken = time.monotonic() - begin
                equal({key: len(found) for key, found in listed(towpath).items()},
                      {to: len(wanted), left: 0}, "prefixes of each peer after wg setconf")
                equal(listed(towpath)[to], wanted, "prefixes after wg setconf")
                print(f"wg setconf that moves {len(wanted)} prefixes: {taken:.1f} s")
