#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Bulk configuration by the stock `wg`, and its answer (wireguard.md section 19 numbers 19 to 21):
forty peers of 52 prefixes, thirty empty ones, one without and one with 197 IPv6 prefixes are listed
completely; a name that is no tunnel is refused; our own key as a peer's adds nobody.

    towpath (wg0), wg in its namespace
"""
from support import Lab, LabError, Towpath, behaviour, check, equal
from lab.tunnels import gateway_config, write_quick
from lab.wireguard import PORT, key_pair, peer

SETS = {
    "forty peers of 52 prefixes": [
        [f"10.{128 + at}.{prefix}.0/24" for prefix in range(52)] for at in range(40)],
    "twenty-nine empty peers and one": [[]] * 29 + [["10.188.0.0/16"]],
    "one without, one with 197": [[], [f"2001:db8:{prefix:x}::/48" for prefix in range(1, 198)]],
}


@behaviour
def tunnel_lists_what_it_was_given():
    with Lab("bulk") as lab:
        private, public = key_pair()
        # Neutral: an inside tunnel's prefixes are sources of the NAT, of which there are fewer.
        config = gateway_config(write_quick(lab, private, [])).replace(
            "inside: [lan, wg0]", "inside: [lan]")
        with Towpath(lab, config) as towpath:
            path = lab.folder / "bulk.conf"
            for what, prefixes in SETS.items():
                wanted = {key_pair()[1]: set(allowed) for allowed in prefixes}
                path.write_text(
                    f"[Interface]\nPrivateKey = {private}\nListenPort = {PORT}\n"
                    + "".join(peer(key, sorted(allowed)) for key, allowed in wanted.items()),
                    encoding="ascii")
                towpath.wg("setconf", "wg0", path)
                listed = {}
                for line in towpath.wg("show", "wg0", "allowed-ips").splitlines():
                    key, allowed = line.split("\t")
                    listed[key] = set(allowed.split()) - {"(none)"}
                equal(listed, wanted, what)
            before = towpath.wg("show", "wg0", "peers")
            towpath.wg("set", "wg0", "peer", public, "allowed-ips", "10.188.1.0/24")
            equal(towpath.wg("show", "wg0", "peers"), before, "peers with our own key among them")
            try:
                towpath.wg("show", "wg9")
            except LabError:
                return
            check(False, "wg show of no tunnel succeeds")
