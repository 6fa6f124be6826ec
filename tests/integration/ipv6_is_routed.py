#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""IPv6 between networks that the kernels of real hosts find their way in: neighbour discovery, ping,
TCP, traceroute, path MTU, errors; nothing from or to the outside.

    a 2001:db8:1::2 -- lan -- towpath -- 2001:db8:3::2 web (neutral, MTU 1280)
                                 |
                                wan -- router 2001:db8:2::2 (outside)
"""
import hashlib
import re

from support import Lab, Towpath, behaviour, check, counted, equal

CONFIG = """\
version: 1
interfaces:
  lan: {match: {name: lan0}, driver: DRIVER, addresses: [10.77.1.1/24, 2001:db8:1::1/64]}
  wan: {match: {name: wan0}, driver: DRIVER, addresses: [192.0.2.10/24, 2001:db8:2::1/64]}
  dmz: {match: {name: dmz0}, driver: DRIVER, mtu: 1280, addresses: [2001:db8:3::1/64]}
routes:
  static:
    - {to: 0.0.0.0/0, via: 192.0.2.1}
    - {to: "::/0", via: 2001:db8:2::2}
    - {to: 2001:db8:30::/48, via: 2001:db8:3::2}
nat: {inside: [lan], outside: wan}
"""
A6, WEB6, BEYOND, ROUTER6 = "2001:db8:1::2", "2001:db8:3::2", "2001:db8:30::1", "2001:db8:2::2"
LAN6, DMZ6, WAN6 = "2001:db8:1::1", "2001:db8:3::1", "2001:db8:2::1"


def dress(lab, host, interface, address, router):
    lab.must(host, "sysctl", "-qw", f"net.ipv6.conf.{interface}.disable_ipv6=0",
             f"net.ipv6.conf.{interface}.accept_ra=0")
    lab.must(host, "ip", "address", "add", f"{address}/64", "dev", interface)
    lab.wait_for(f"the address of {host}", lambda: "tentative" not in lab.must(
        host, "ip", "-6", "address", "show", "dev", interface), 5)
    lab.must(host, "ip", "-6", "route", "add", "default", "via", router, "dev", interface)


def _lay_cables(lab):
    lab.must("gateway", "ip", "link", "add", "dmz0", "type", "veth", "peer", "name", "dmz0",
             "netns", lab.namespace("web"))
    for host in ("gateway", "web"):
        lab.must(host, "ethtool", "-K", "dmz0", "tx", "off", "tso", "off", "gso", "off", "gro",
                 "off")
        lab.must(host, "ip", "link", "set", "dmz0", "mtu", "1280", "up")
    lab.must("web", "sysctl", "-qw", "net.ipv6.conf.lo.disable_ipv6=0")
    lab.must("web", "ip", "address", "add", f"{BEYOND}/128", "dev", "lo")


def ping(lab, host, address, *options):
    done = lab.run(host, "ping", "-6", "-n", "-c", "3", "-i", "0.2", "-W", "1", *options, address)
    return done.stdout


def reaches(lab, host, address, *options):
    words = ping(lab, host, address, *options)
    check(" 0% packet loss" in words, f"{host} does not reach {address}:\n{words}")


def _transfer(lab):
    folder = lab.folder / "files"
    folder.mkdir()
    payload = bytes(range(256)) * 8192
    (folder / "two_megabytes").write_bytes(payload)
    lab.spawn("web", "/usr/bin/python3", "-m", "http.server", "-b", WEB6, "-d", folder, "8080",
              log="http6.log")
    url = f"http://[{WEB6}]:8080/two_megabytes"
    lab.wait_for("the web server", lambda: lab.run("a", "curl", "-sfI", url).returncode == 0, 5)
    got = lab.folder / "got"
    lab.must("a", "curl", "-sf", "-m", "20", "-o", got, url)
    equal(hashlib.sha256(got.read_bytes()).hexdigest(), hashlib.sha256(payload).hexdigest(),
          "the file")


def _errors_are_heard(lab):
    words = ping(lab, "a", WEB6, "-M", "do", "-s", "1400")
    check(re.search(r"mtu[ =:]*1280", words), f"no packet-too-big came back:\n{words}")
    words = ping(lab, "a", "2001:db8:3::77", "-w", "6", "-c", "6", "-i", "1")
    check("Address unreachable" in words, f"no address-unreachable came back:\n{words}")
    words = ping(lab, "a", "2001:db8:99::1")
    check("No route" in words, f"to outside, but no no-route came back:\n{words}")


def _outside_is_denied(lab, towpath):
    reaches(lab, "router", WAN6)
    check("100% packet loss" in ping(lab, "router", A6), "outside reaches an inside host")
    counted(lab, towpath, "ipv6_from_outside", 1)
    check("100% packet loss" in ping(lab, "router", WEB6), "outside reaches a neutral host")


def _addresses_are_defended(lab):
    lab.must("b", "sysctl", "-qw", "net.ipv6.conf.eth0.disable_ipv6=0")
    lab.must("b", "ip", "address", "add", f"{LAN6}/64", "dev", "eth0")
    lab.wait_for("b to find its address taken", lambda: "dadfailed" in lab.must(
        "b", "ip", "-6", "address", "show", "dev", "eth0"), 5)


def carries_ipv6(lab, driver):
    with Towpath(lab, CONFIG.replace("DRIVER", driver)) as towpath:
        dress(lab, "a", "eth0", A6, LAN6)
        dress(lab, "web", "dmz0", WEB6, DMZ6)
        dress(lab, "router", "gw0", ROUTER6, WAN6)
        reaches(lab, "a", WEB6)
        reaches(lab, "web", A6, "-s", "1000")
        reaches(lab, "a", BEYOND)
        for own in (LAN6, DMZ6):
            reaches(lab, "a", own)
        mac = lab.must("gateway", "cat", "/sys/class/net/lan0/address").strip().split(":")
        mac[0] = f"{int(mac[0], 16) ^ 2:02x}"
        link_local = f"fe80::{mac[0]}{mac[1]}:{mac[2]}ff:fe{mac[3]}:{mac[4]}{mac[5]}%eth0"
        reaches(lab, "a", link_local)
        _transfer(lab)
        words = lab.must("a", "traceroute", "-6", "-n", "-q", "1", "-w", "1", "-m", "4", BEYOND)
        equal([line.split()[1] for line in words.splitlines()[1:]], [LAN6, BEYOND], "hops")
        _errors_are_heard(lab)
        _outside_is_denied(lab, towpath)
        _addresses_are_defended(lab)


@behaviour
def ipv6_is_routed():
    for driver in ("af_packet", "af_xdp"):
        with Lab("ipv6") as lab:
            _lay_cables(lab)
            carries_ipv6(lab, driver)
