#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""What a tunnel advertises is what its peers reach: one private host and not the other, the internet
with exit-node only; and where there is no IPv6 exit, they hear so at once. The list changes by
`towpath reload` (decisions.md W13).

    c (wireguard-go) -- hard NAT -- router -- towpath (wg0) -- lan -- a, b
                                      |
                                     web
"""
from support import (A, B, Lab, QUICK_START, Towpath, WAN_ADDRESS, WEB, behaviour, check, counted,
                     equal)
from lab.wireguard import PORT, UserSpacePeer, key_pair, peer

CLIENT, CLIENT_IPV6 = "10.99.0.2", "2001:db8:99::2"


def _config(lab, private, public, advertise):
    path = lab.folder / "wg0.conf"
    path.write_text(f"[Interface]\nPrivateKey = {private}\nListenPort = {PORT}\n"
                    "Address = 10.99.0.1/24, 2001:db8:99::1/64\n"
                    + peer(public, [f"{CLIENT}/32", f"{CLIENT_IPV6}/128"]), encoding="ascii")
    path.chmod(0o600)
    return QUICK_START.replace("inside: [lan]", "inside: [lan, wg0]") + (
        f"wireguard:\n  wg0: {{config: {path}, advertise: {advertise}}}\n")


def _answers(lab, *arguments, seconds=2):
    return lab.run("c", "ping", "-n", "-c2", "-i0.2", f"-W{seconds}", *arguments).stdout


@behaviour
def tunnel_advertises():
    with Lab("tnad") as lab:
        private, public = key_pair()
        client = UserSpacePeer(lab, "c", addresses=(f"{CLIENT}/24",))
        limited = _config(lab, private, client.public, f"{{routes: [{A}/32]}}")
        with Towpath(lab, limited) as towpath, client:
            client.configure([peer(public, ["0.0.0.0/0", "::/0"], f"{WAN_ADDRESS}:{PORT}")])
            client.route("10.77.1.0/24", "203.0.113.0/26")
            words = _answers(lab, A)
            check(" 2 received" in words, f"c pings a, which is advertised: {words}"
                  f"{towpath.words()}{towpath.drops()}")
            words = _answers(lab, "10.99.0.1")
            check(" 2 received" in words, f"c pings the gateway itself: {words}")
            for number, address in enumerate((B, WEB), 1):
                words = _answers(lab, address, seconds=1)
                check(" 0 received" in words and "nreachable" not in words,
                      f"c pings {address}, which is not advertised: {words}")
                counted(lab, towpath, "admit_not_advertised", 2 * number)
            # Nobody limits b, but the answer of c is for b.
            check(" 0 received" in lab.run("b", "ping", "-n", "-c1", "-W1", CLIENT).stdout,
                  "b got an answer of c")

            towpath.write(_config(lab, private, client.public,
                                  f"{{routes: [{B}/32], exit-node: true}}"))
            done = towpath.client("reload")
            equal(done.returncode, 0, f"towpath reload: {done.stdout}{done.stderr}")
            for address in (B, WEB):
                words = _answers(lab, address)
                check(" 2 received" in words, f"c pings {address} after the reload: {words}"
                      f"{towpath.drops()}")
            check(" 0 received" in _answers(lab, A, seconds=1), "a is still reached")
            lab.must("c", "sysctl", "-qw", "net.ipv6.conf.wg0.disable_ipv6=0")
            lab.must("c", "ip", "address", "add", f"{CLIENT_IPV6}/64", "dev", "wg0", "nodad")
            lab.must("c", "ip", "-6", "route", "add", "default", "dev", "wg0")
            words = _answers(lab, "-6", "2001:db8:77::1")
            check("Destination unreachable: No route" in words,
                  f"c hears that there is no IPv6 exit: {words}{towpath.drops()}")
