#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""The smallest configuration of each page of docs/, cut out of the page, does what the page is about.
Keys stand where the page leaves them out; nothing else is changed but the place of files.

    a -- lan -- towpath (wg0) -- router -- web, stun;  c (a peer, wireguard-go) behind a hard NAT
"""
import re

from support import (A, WAN_ADDRESS, WEB, Lab, Towpath, behaviour, check, equal, measure)
from lab.gateway import ROOT, QUICK_START
from lab.wireguard import UserSpacePeer, key_pair

GATEWAY_FILE, PEER_FILE = "/etc/wireguard/wg0.conf", "laptop.conf"
EASY = ["EIM", "EIF"]


def block(page, fence):
    """The first block behind this fence."""
    text = (ROOT / page).read_text(encoding="utf-8")
    found = re.search(rf"^```{re.escape(fence)}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    check(found, f"{page} has a block {fence}")
    return found.group(1)


def with_keys(text, private, public):
    check(text.count("= ...") == 2, f"one private and one public key are left out: {text}")
    return text.replace("PrivateKey = ...", f"PrivateKey = {private}").replace(
        "PublicKey = ...", f"PublicKey = {public}")


class Client(UserSpacePeer):
    """c with the page's file, as wg-quick would set it up, but for the routes: c keeps its own."""

    def follow(self, text):
        address = re.search(r"^Address = (\S+)$", text, re.MULTILINE).group(1)
        self.lab.must(self.host, "ip", "address", "add", address, "dev", self.name)
        sections = re.sub(r"^Address = .*\n", "", text, flags=re.MULTILINE)
        path = self.lab.folder / PEER_FILE
        path.write_text(sections, encoding="ascii")
        path.chmod(0o600)
        self.wg("setconf", self.name, path)


def start(lab, page):
    """The page's gateway; and c, which follows the page's file."""
    gateway, public = key_pair()
    client = Client(lab, "c")
    path = lab.folder / "wg0.conf"
    path.write_text(with_keys(block(page, f"ini {GATEWAY_FILE}"), gateway, client.public),
                    encoding="ascii")
    path.chmod(0o600)
    towpath = Towpath(lab, block(page, "yaml").replace(GATEWAY_FILE, str(path)))
    towpath.launch()
    lab.wait_for(f"{page}: a gateway that forwards",
                 lambda: towpath.client("status").returncode == 0, 20)
    client.start()
    client.follow(with_keys(block(page, f"ini {PEER_FILE}"), client.private, public))
    return towpath, client


def pings(lab, host, target):
    lab.wait_for(f"{host}'s ping of {target}",
                 lambda: measure.ping(lab, host, target, count=2)["received"] == 2, 10)


def a_nat_gateway_is_easy(lab):
    with Towpath(lab, block("docs/nat-gateway.md", "yaml")):
        equal(list(measure.udp_behaviour(lab).values())[:2], EASY, "mapping and filtering")
        equal(measure.fetch(lab)["words"], "same", "the file that a fetched")


def a_subnet_router_joins_both(lab):
    towpath, client = start(lab, "docs/subnet-router.md")
    client.route("10.77.1.0/24")
    pings(lab, "c", A)
    pings(lab, "a", "10.99.0.2")
    pings(lab, "gateway", "10.99.0.2")
    client.stop()
    towpath.stop()


def an_exit_node_is_easy(lab):
    towpath, client = start(lab, "docs/exit-node.md")
    client.route("203.0.113.0/26", "198.51.100.0/24")
    pings(lab, "c", WEB)
    equal(list(measure.udp_behaviour(lab, "c", "10.99.0.2").values())[:2], EASY,
          "mapping and filtering of a peer")
    check(WAN_ADDRESS in towpath.client("nat", "show").stdout, "the gateway's address is shown")
    client.stop()
    towpath.stop()


@behaviour
def pages_work_as_printed():
    equal(block("README.md", "yaml"), QUICK_START, "what README prints and the tests use")
    equal(block("docs/nat-gateway.md", "yaml"), QUICK_START, "what the page prints")
    with Lab("pages") as lab:
        measure.start_services(lab, file_bytes=1 << 16)
        a_nat_gateway_is_easy(lab)
        a_subnet_router_joins_both(lab)
        an_exit_node_is_easy(lab)
