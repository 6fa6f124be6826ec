#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""What Prometheus's own promtool says of /metrics while everything is on and has carried traffic: NAT,
its log, IPv6, two tunnels, series per peer. It finds nothing, before traffic and after; and it does
find something on a page that is wrong.

    a -- lan -- towpath (wg0, wg1) -- router -- stun, web; c (a peer) behind a hard NAT
"""
import subprocess

from support import (A, ROUTER, WAN_ADDRESS, WEB, Lab, Towpath, behaviour, check, equal, measure,
                     outside_endpoint, skip, socket_in, start_flow_server)
from lab.gateway import ROOT
from lab.tunnels import gateway_config, switch_ipv6_on, write_quick
from lab.wireguard import PORT, UserSpacePeer, key_pair, peer

MORE = "management: {metrics: 127.0.0.1:9469, metrics-per-peer: true}\n"


def promtool():
    found = subprocess.run([ROOT / "scripts" / "promtool"], capture_output=True, text=True,
                           check=False)
    if found.returncode != 0:
        skip("no promtool: scripts/promtool install could not fetch it")
    return found.stdout.strip()


def complaints(tool, page):
    done = subprocess.run([tool, "check", "metrics"], input=page, capture_output=True, text=True,
                          check=False, timeout=30)
    return (done.stdout + done.stderr).strip(), done.returncode


def page_of(lab):
    return lab.must("gateway", "curl", "-sS", "--max-time", "5", "http://127.0.0.1:9469/metrics")


def has_nothing_to_complain_of(tool, page, when):
    said, code = complaints(tool, page)
    equal((said, code), ("", 0), f"promtool check metrics {when}")


def full_config(lab, key, public_of_c):
    first = write_quick(lab, key, [f"# c\n{peer(public_of_c, ['10.99.0.2/32'])}"],
                        addresses=("10.99.0.1/24",))
    second = write_quick(lab, key_pair()[0], [peer(key_pair()[1], ["2001:db8:98::2/128"])],
                         name="wg1", port=PORT + 1, addresses=("2001:db8:98::1/64",))
    config = gateway_config(first, second, dual_stack=True, more=MORE)
    config = config.replace(f"wg0: {{config: {first}}}",
                            f"wg0: {{config: {first}, stateful: true, "
                            "source-nat: {default: interface}, advertise: {exit-node: true, "
                            "routes: [10.77.1.0/24]}}")
    return config.replace("filtering: {", "log: {json: stderr}, filtering: {")


@behaviour
def metrics_suit_prometheus():
    tool = promtool()
    said, code = complaints(tool, "# TYPE towpath_wrong counter\ntowpath_wrong 1\n")
    check(code != 0 and "_total" in said, f"promtool finds what is wrong: {code} {said}")
    with Lab("prom") as lab:
        start_flow_server(lab)
        measure.start_services(lab, file_bytes=1 << 16)
        switch_ipv6_on(lab)
        key, public = key_pair()
        client = UserSpacePeer(lab, "c", addresses=("10.99.0.2/24",))
        with Towpath(lab, full_config(lab, key, client.public)) as towpath, client:
            has_nothing_to_complain_of(tool, page_of(lab), "at start")
            client.configure([peer(public, ["0.0.0.0/0"], f"{WAN_ADDRESS}:{PORT}")])
            client.route("10.77.1.0/24")
            outside_endpoint(socket_in(lab, "a", address=A))
            equal(measure.fetch(lab)["words"], "same", "the file that a fetched")
            for host, target in (("a", ROUTER), ("a", WEB), ("c", A), ("gateway", A)):
                lab.wait_for(f"{host}'s ping of {target}", lambda h=host, t=target:
                             measure.ping(lab, h, t, count=2)["received"] == 2, 10)
            lab.wait_for("a peer that is up on the page",
                         lambda: 'towpath_peer_up{tunnel="wg0"' in page_of(lab), 5)
            # A reason is on the page when something died for it.
            socket_in(lab, "web").sendto(b"?", (WAN_ADDRESS, 9))
            lab.wait_for("a drop on the page",
                         lambda: "\ntowpath_dropped_packets_total{" in page_of(lab), 5)
            page = page_of(lab)
            for name in ("towpath_nat_mappings", "towpath_dropped_packets_total",
                         "towpath_tunnel_receive_bytes_total", "towpath_peer_transmit_bytes_total",
                         "towpath_build_info"):
                check(f"\n{name}{{" in page, f"{name} is on the page")
            has_nothing_to_complain_of(tool, page, "after traffic")
            equal(towpath.client("metrics").stdout.count("# TYPE"), page.count("# TYPE"),
                  "metrics that the client shows")
