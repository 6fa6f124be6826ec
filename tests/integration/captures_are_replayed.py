#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""The `pcap` driver: what is in one file comes out of the other, translated, byte for byte, and
what nobody asked for does not.

    in-lan.pcap -> lan  towpath  wan -> out-wan.pcap
   out-lan.pcap <- lan  towpath  wan <- in-wan.pcap
"""
import socket
import struct

from support import A, LAN_ADDRESS, ROUTER, STUN, WAN_ADDRESS, Lab, Towpath, behaviour, equal

CONFIG = """\
version: 1
dataplane: {{cores: [0]}}
interfaces:
  lan: {{driver: pcap, pcap: {{receive: {folder}/in-lan.pcap, transmit: {folder}/out-lan.pcap}}, addresses: [10.77.1.1/24]}}
  wan: {{driver: pcap, pcap: {{receive: {folder}/in-wan.pcap, transmit: {folder}/out-wan.pcap}}, addresses: [192.0.2.10/24]}}
routes: {{static: [{{to: 0.0.0.0/0, via: 192.0.2.1}}]}}
nat: {{inside: [lan], outside: wan}}
"""
HOST_MAC, ROUTER_MAC = bytes.fromhex("02005e005311"), bytes.fromhex("02005e0053fe")
INSIDE_PORT, REMOTE_PORT, UNASKED_PORT = 4000, 9000, 4001


def checksum(data):
    data += bytes(len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def udp(macs, source, destination, ttl, payload):
    """`macs` are (to, from). DF is set: the identification stays as it is."""
    (source_address, source_port), (destination_address, destination_port) = source, destination
    ends = socket.inet_aton(source_address) + socket.inet_aton(destination_address)
    length = 8 + len(payload)
    ports = struct.pack("!HHH", source_port, destination_port, length)
    body = ports + struct.pack("!H", checksum(ends + struct.pack("!HH", 17, length) + ports +
                                              b"\0\0" + payload)) + payload
    head = struct.pack("!BBHHHBB", 0x45, 0, 20 + length, 7, 0x4000, ttl, 17)
    return (b"".join(macs) + b"\x08\x00" + head +
            struct.pack("!H", checksum(head + b"\0\0" + ends)) + ends + body)


def arp_request(mac, sender, target):
    return (b"\xff" * 6 + mac + bytes.fromhex("08060001080006040001") + mac +
            socket.inet_aton(sender) + bytes(6) + socket.inet_aton(target))


def write_capture(path, frames):
    records = [struct.pack("<IIII", 1, 0, len(frame), len(frame)) + frame for frame in frames]
    path.write_bytes(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1) + b"".join(records))


def ipv4_of(path):
    """The IPv4 frames of a capture, in order."""
    data, position, frames = path.read_bytes(), 24, []
    while position < len(data):
        length = struct.unpack_from("<I", data, position + 8)[0]
        frames.append(data[position + 16:position + 16 + length])
        position += 16 + length
    return [frame for frame in frames if frame[12:14] == b"\x08\x00"]


def replay(lab, lan, wan, transmitted):
    """One run over these frames; the hardware addresses of its ports."""
    write_capture(lab.folder / "in-lan.pcap", lan)
    write_capture(lab.folder / "in-wan.pcap", wan)
    towpath = Towpath(lab, CONFIG.format(folder=lab.folder))
    towpath.launch()
    lab.wait_for("a status", lambda: towpath.client("status").returncode == 0, 15)
    lab.wait_for("the replay",
                 lambda: towpath.json("status")["totals"]["transmitted"] >= transmitted, 5)
    rows = {row["name"]: row["mac"] for row in towpath.json("interfaces")["interfaces"]}
    dropped = towpath.drops()
    equal(towpath.stop(), 0, "towpath run")
    return [bytes.fromhex(rows[name].replace(":", "")) for name in ("lan", "wan")], dropped


@behaviour
def captures_are_replayed():
    inside, mapped = (A, INSIDE_PORT), (WAN_ADDRESS, INSIDE_PORT)
    remote, stranger = (STUN, REMOTE_PORT), (STUN, REMOTE_PORT + 1)
    with Lab("pcap") as lab:
        (lan_mac, wan_mac), _ = replay(lab, [], [], 0)
        from_host, from_router = (lan_mac, HOST_MAC), (wan_mac, ROUTER_MAC)
        to_host, to_router = (HOST_MAC, lan_mac), (ROUTER_MAC, wan_mac)
        lan = [arp_request(HOST_MAC, A, LAN_ADDRESS)]
        lan += [udp(from_host, inside, remote, 64, bytes([number]) * 20) for number in range(3)]
        wan = [arp_request(ROUTER_MAC, ROUTER, WAN_ADDRESS),
               udp(from_router, remote, mapped, 60, b"answer"),
               udp(from_router, stranger, mapped, 60, b"any endpoint may"),
               udp(from_router, remote, (WAN_ADDRESS, UNASKED_PORT), 60, b"not asked for")]
        _, dropped = replay(lab, lan, wan, 7)
        equal(ipv4_of(lab.folder / "out-wan.pcap"),
              [udp(to_router, mapped, remote, 63, bytes([number]) * 20) for number in range(3)],
              "what left on wan")
        equal(ipv4_of(lab.folder / "out-lan.pcap"),
              [udp(to_host, remote, inside, 59, b"answer"),
               udp(to_host, stranger, inside, 59, b"any endpoint may")], "what left on lan")
        equal(dropped, {"inbound_no_mapping": 1}, "drops")
