#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""With `source-nat: {default: interface}` private hosts that know no way back answer a peer: they see
the gateway's own address, which the gateway's host keeps for itself as well; exceptions see the
peer. With `stateful: true` they answer and do not begin. Both change by `towpath reload`, the NAT's
log says which peer had which endpoint, and none of it needs a `nat:` section (decisions.md W13).

    c (wireguard-go) -- hard NAT -- router -- towpath (wg0) -- lan -- a, b
                                      |
                                     web
"""
import errno
import json
import socket

from support import (A, B, LAN_ADDRESS, Lab, QUICK_START, Towpath, WAN_ADDRESS, WEB, behaviour, check,
                     counted, equal, received, socket_in)
from lab.wireguard import PORT, UserSpacePeer, key_pair, peer

TUNNEL, CLIENT = "10.99.0.1", "10.99.0.2"


def _config(lab, private, public, roles, has_nat=True):
    path = lab.folder / "wg0.conf"
    path.write_text(f"[Interface]\nPrivateKey = {private}\nListenPort = {PORT}\n"
                    f"Address = {TUNNEL}/24\n" + peer(public, [f"{CLIENT}/32"]), encoding="ascii")
    path.chmod(0o600)
    text = QUICK_START.replace("inside: [lan]", "log: {json: stderr}, inside: [lan, wg0]")
    return (text if has_nat else text[:text.index("nat:")]) + (
        f"wireguard:\n  wg0: {{config: {path}, {roles}}}\n")


def _reload(towpath, config):
    towpath.write(config)
    done = towpath.client("reload")
    equal(done.returncode, 0, f"towpath reload: {done.stdout}{done.stderr}")


def _serve(lab, host, address, port=80):
    log = f"http-{host}.log"
    lab.spawn(host, "python3", "-u", "-m", "http.server", port, "--bind", address, log=log)
    lab.wait_for(f"the server on {host}", lambda: "Serving" in lab.log(log), 5)


def _fetched(lab, host, address, port=80, seconds=5):
    return lab.run(host, "curl", "-s", "-m", seconds, "-o", "/dev/null", "-w", "%{http_code}",
                   f"http://{address}:{port}/").stdout


def _pinged(lab, host, address):
    return lab.run(host, "ping", "-n", "-c3", "-i0.2", "-W2", address).stdout


def _logged(towpath, outside):
    """Endpoints on an outside address that the log says the client had."""
    lines = (json.loads(line) for line in towpath.lab.log(f"{towpath.label}.log").splitlines()
             if line.startswith("{"))
    found = [line for line in lines if (line.get("int_ip"), line.get("ext_ip")) == (CLIENT, outside)]
    kind = "tracked" if outside == CLIENT else None
    check(all(line.get("kind") == kind for line in found), f"each is {kind}: {found}")
    return found


def _is_refused(lab, host, port):
    """Whether c hears that nobody listens there."""
    with socket_in(lab, "c", address=CLIENT) as asking:
        asking.connect((host, port))
        for _ in range(3):
            try:
                asking.send(b"anybody?")
                asking.recv(16)
            except OSError as error:
                if error.errno == errno.ECONNREFUSED:
                    return True
    return False


def _asks(lab, towpath, host, seen_as):
    """c asks a socket on `host` by UDP and is answered, but not from another port."""
    with socket_in(lab, host, address=host_address(host)) as service, \
            socket_in(lab, "c", address=CLIENT) as asking, \
            socket_in(lab, host, address=host_address(host)) as stranger:
        asking.sendto(b"question", service.getsockname())
        question = received(service)
        check(question is not None, f"{host} heard nothing: {towpath.drops()}")
        equal(question[1][0], seen_as, f"whom {host} sees")
        if seen_as == LAN_ADDRESS:
            _is_found(towpath, asking.getsockname(), question[1])
        if seen_as == LAN_ADDRESS:
            stranger.sendto(b"stranger", question[1])
        service.sendto(b"answer", question[1])
        answer = received(asking)
        check(answer is not None, f"c heard no answer of {host}: {towpath.drops()}")
        equal(answer, (b"answer", service.getsockname()), "what c heard")


def _is_found(towpath, inside, outside):
    """Asked for what the private host sees, `towpath nat lookup` names the peer."""
    found = towpath.json("nat", "lookup", f"{outside[0]}:{outside[1]}/udp")["mapping"]
    equal((found["inside"], found["filtering"], len(found["remotes"])),
          (f"{inside[0]}:{inside[1]}", "address-and-port-dependent", 1), f"{found}")


def host_address(host):
    return {"a": A, "b": B}[host]


def _hidden(lab, towpath):
    lab.must("a", "ip", "route", "del", "default")
    words = _pinged(lab, "c", A)
    check(" 3 received" in words, f"c pings a: {words}{towpath.words()}{towpath.drops()}")
    equal(_fetched(lab, "c", A), "200", f"what c fetched from a ({towpath.drops()})")
    check(LAN_ADDRESS in lab.log("http-a.log") and CLIENT not in lab.log("http-a.log"),
          f"a saw {lab.log('http-a.log')}")
    _asks(lab, towpath, "a", LAN_ADDRESS)
    check(_is_refused(lab, A, 9), "c did not hear that a does not listen")
    words = lab.must("c", "traceroute", "-n", "-q", "1", "-w", "1", "-m", "4", A)
    equal([line.split()[1] for line in words.splitlines()[1:]], [TUNNEL, A], "hops from c to a")
    check(_logged(towpath, LAN_ADDRESS), "the log does not say which peer a saw")
    ports = {(one["address"], one["protocol"]): one for one in towpath.json("nat", "ports")["ports"]}
    check(ports[LAN_ADDRESS, "udp"]["in_use"] >= 1, f"ports in use: {ports}")
    # The exception, the internet and the gateway's own services.
    _asks(lab, towpath, "b", CLIENT)
    equal(_fetched(lab, "c", WEB), "200", f"what c fetched from the internet ({towpath.drops()})")
    lab.wait_for("the exit node's line", lambda: _logged(towpath, WAN_ADDRESS), 3)
    equal(_fetched(lab, "a", LAN_ADDRESS, 8080), "200", "what a fetched from the gateway's host")


def _stateful(lab, towpath):
    lab.must("a", "ip", "route", "add", "default", "via", LAN_ADDRESS)
    before = towpath.drops().get("tunnel_unsolicited", 0)
    words = _pinged(lab, "a", CLIENT)
    check(" 0 received" in words, f"a pings c: {words}")
    counted(lab, towpath, "tunnel_unsolicited", before + 3)
    with socket_in(lab, "c", socket.SOCK_STREAM, CLIENT, 7000) as listening:
        listening.listen()
        check(lab.run("a", "timeout", "2", "python3", "-c", "import socket; "
                      f"socket.create_connection(('{CLIENT}', 7000))").returncode == 124,
              "a opened a connection to c")
    words = _pinged(lab, "c", A)
    check(" 3 received" in words, f"c pings a: {words}{towpath.drops()}")
    equal(_fetched(lab, "c", A), "200", f"what c fetched from a ({towpath.drops()})")
    check(CLIENT in lab.log("http-a.log"), f"a saw {lab.log('http-a.log')}")
    lab.wait_for("the log's lines of what is tracked",
                 lambda: {line["proto"] for line in _logged(towpath, CLIENT)} == {"icmp", "tcp"}, 3)
    _asks(lab, towpath, "a", CLIENT)
    check(_is_refused(lab, A, 9), "c did not hear that a does not listen")
    equal(_fetched(lab, "c", WEB), "200", f"what c fetched from the internet ({towpath.drops()})")


def _without_nat(lab, towpath):
    lab.must("a", "ip", "route", "del", "default")
    words = _pinged(lab, "c", A)
    check(" 3 received" in words, f"c pings a without nat: {words}{towpath.drops()}")
    _asks(lab, towpath, "a", LAN_ADDRESS)
    equal(_fetched(lab, "c", WEB), "200", f"what c fetched by the neutral wan ({towpath.drops()})")
    lab.must("a", "ip", "route", "add", "default", "via", LAN_ADDRESS)


@behaviour
def tunnel_hides_peers():
    with Lab("tnhp") as lab:
        private, public = key_pair()
        client = UserSpacePeer(lab, "c", addresses=(f"{CLIENT}/24",))
        hidden = f"source-nat: {{default: interface, except: [{B}/32]}}"
        with Towpath(lab, _config(lab, private, client.public, hidden)) as towpath, client:
            client.configure([peer(public, ["0.0.0.0/0"], f"{WAN_ADDRESS}:{PORT}")])
            client.route("10.77.1.0/24", "203.0.113.0/26")
            _serve(lab, "a", A)
            _serve(lab, "web", WEB)
            _serve(lab, "gateway", LAN_ADDRESS, 8080)
            _hidden(lab, towpath)
            _reload(towpath, _config(lab, private, client.public, "stateful: true"))
            _stateful(lab, towpath)
            _reload(towpath, _config(lab, private, client.public, "stateful: false"))
            words = _pinged(lab, "a", CLIENT)
            check(" 3 received" in words, f"a pings c after all: {words}{towpath.drops()}")
            _reload(towpath, _config(lab, private, client.public, "source-nat: {default: interface}",
                                     has_nat=False))
            _without_nat(lab, towpath)
