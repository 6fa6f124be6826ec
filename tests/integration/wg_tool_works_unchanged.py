#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""The stock `wg` shows and changes Towpath's tunnels (decisions.md W10; wireguard.md 16.1), and our
own commands say the same: `wg show`, its dump, `peers` with a reason, and a reload that says what it
undoes."""
from support import A, Lab, QUICK_START, Towpath, WAN_ADDRESS, behaviour, check, equal
from lab.wireguard import PORT, UserSpacePeer, key_pair, peer, preshared_key


def config_of(lab, private, peers):
    path = lab.folder / "wg0.conf"
    path.write_text(f"[Interface]\nPrivateKey = {private}\nListenPort = {PORT}\n"
                    f"Address = 10.99.0.1/24\n" + "".join(peers), encoding="ascii")
    path.chmod(0o600)
    return QUICK_START.replace("inside: [lan]", "inside: [lan, wg0]") + (
        f"wireguard:\n  wg0: {{config: {path}}}\n")


def columns(text):
    """Rows of a dump, without what counts and ages between two looks."""
    rows = [line.split("\t") for line in text.splitlines()]
    return [row[:5] if len(row) == 8 else row for row in rows]


def pings(lab, address=A):
    return " 0% packet loss" in lab.run("c", "ping", "-c4", "-i0.3", "-W2", "-n", address).stdout


def shows_alike(towpath, public, client):
    stock = towpath.wg("show", "wg0", "dump")
    ours = towpath.client("wg", "show", "wg0", "dump").stdout
    equal(columns(ours), columns(stock), "our dump beside that of wg")
    pretty = towpath.wg("show", "wg0")
    for line in (f"public key: {public}", f"listening port: {PORT}", f"peer: {client.public}",
                 "preshared key: (hidden)", "allowed ips: 10.99.0.2/32", "latest handshake: ",
                 "transfer: "):
        check(line in pretty, f"wg show lacks {line!r}:\n{pretty}")
        check(line in towpath.client("wg", "show").stdout,
              f"towpath wg show lacks {line!r}:\n{towpath.client('wg', 'show').stdout}")


@behaviour
def wg_tool_works_unchanged():
    with Lab("wgtl") as lab:
        private, public = key_pair()
        shared = preshared_key()
        client = UserSpacePeer(lab, "c", addresses=("10.99.0.2/24",))
        stranger = key_pair()[1]
        config = config_of(lab, private, [
            peer(client.public, ["10.99.0.2/32"], preshared=shared), peer(stranger, [])])
        with Towpath(lab, config) as towpath, client:
            client.configure([peer(public, ["0.0.0.0/0"], f"{WAN_ADDRESS}:{PORT}",
                                   preshared=shared)])
            client.route("10.77.1.0/24")
            check(pings(lab), f"c pings a: {towpath.words()} {towpath.drops()}")
            shows_alike(towpath, public, client)
            rows = {row["public_key"]: row for row in towpath.json("peers")["peers"]}
            equal(rows[client.public]["state"], "up", "the client")
            equal(rows[stranger]["state"], "no_endpoint", "who has not called")
            check("peers 1 up of 2" in towpath.client("status").stdout,
                  towpath.client("status").stdout)

            # A peer is added and removed beside the one that goes on.
            other = key_pair()[1]
            towpath.wg("set", "wg0", "peer", other, "allowed-ips", "10.99.0.7/32", "endpoint",
                       "198.51.100.77:51820", "persistent-keepalive", "25")
            rows = {row[0]: row for row in columns(towpath.wg("show", "wg0", "dump"))[1:]}
            equal(rows[other][2:4], ["198.51.100.77:51820", "10.99.0.7/32"], "the new peer")
            towpath.wg("set", "wg0", "peer", stranger, "remove")
            check(stranger not in towpath.wg("show", "wg0", "peers"), "the removed peer is gone")
            check(pings(lab), "the other peer does not notice")

            # A whole file, as `wg syncconf` has it.
            path = lab.folder / "sync.conf"
            path.write_text(f"[Interface]\nPrivateKey = {private}\nListenPort = {PORT}\n"
                            + peer(client.public, ["10.99.0.2/32"], preshared=shared),
                            encoding="ascii")
            path.chmod(0o600)
            towpath.wg("syncconf", "wg0", path)
            equal(towpath.wg("show", "wg0", "peers").split(), [client.public], "peers by syncconf")
            check(pings(lab), "after syncconf")
            check("wireguard.wg0 was changed by the wg tool" in towpath.client("status").stdout,
                  towpath.client("status").stdout)

            # Another port, by a file that replaces everything: the client is told and comes again.
            path.write_text(path.read_text(encoding="ascii").replace(str(PORT), str(PORT + 1)),
                            encoding="ascii")
            towpath.wg("setconf", "wg0", path)
            equal(towpath.wg("show", "wg0", "listen-port").strip(), str(PORT + 1), "the port")
            client.wg("set", "wg0", "peer", public, "endpoint", f"{WAN_ADDRESS}:{PORT + 1}")
            check(pings(lab), "after setconf")
            client.wg("set", "wg0", "peer", public, "endpoint", f"{WAN_ADDRESS}:{PORT}")

            # What the file says comes back, and the reload tells.
            done = towpath.client("reload")
            check("wireguard.wg0: what the wg tool changed is undone" in done.stdout, done.stdout)
            equal(set(towpath.wg("show", "wg0", "peers").split()), {client.public, stranger},
                  "peers after the reload")
            check(pings(lab), "after the reload")

            # What was exported is what the tool takes, and what it takes again is the same.
            path.write_text(towpath.client("wg", "export", "wg0", "--with-private-key").stdout,
                            encoding="ascii")
            check(private in path.read_text(encoding="ascii"), "the exported key")
            check(private not in towpath.client("wg", "export", "wg0").stdout, "a key was shown")
            before = columns(towpath.wg("show", "wg0", "dump"))
            stripped = lab.folder / "stripped.conf"
            stripped.write_text("".join(
                line for line in path.read_text(encoding="ascii").splitlines(keepends=True)
                if not line.startswith("Address")), encoding="ascii")
            towpath.wg("syncconf", "wg0", stripped)
            equal(columns(towpath.wg("show", "wg0", "dump")), before, "the tunnel after its export")
            equal(towpath.client("wg", "rekey", "--all").returncode, 0, "rekey")
            equal(towpath.client("wg", "forget-timestamp", client.public).returncode, 0, "forget")
            page = towpath.client("metrics").stdout
            check('towpath_tunnel_peers_up{tunnel="wg0"} 1' in page, page)
