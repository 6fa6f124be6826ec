#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""nat-behaviour.md 17: with `nat.log.json: stderr` control writes one line of JSON when a mapping is
created and one when it ends, with its endpoints and never a destination; a log that a reload turns
on begins with what exists.

    a -- lan -- towpath -- router -- stun (flow_server)
"""
import datetime
import json

from support import (A, FLOW_PORT, QUICK_START, STUN, Lab, Towpath, behaviour, check, equal,
                     outside_endpoint, socket_in, start_flow_server)

# Below what RFC 4787 asks for, so that the end is seen while we wait.
SHORT = ("nat: {timeouts: {udp: 4s, udp-unreplied: 4s, icmp: 2s, allow-below-floor: true}, "
         "log: {json: %s}, ")


def records(towpath, endpoint):
    """What the log says of one inside endpoint, oldest first."""
    found = [json.loads(line) for line in towpath.lab.log(f"{towpath.label}.log").splitlines()
             if line.startswith("{")]
    check(all(one["inst"] == "towpath" and "seq" in one for one in found), f"fields: {found}")
    return [one for one in found if (one.get("int_ip"), one.get("int_port")) == endpoint]


def config(switch):
    return QUICK_START.replace("nat: {", SHORT % switch)


@behaviour
def mappings_are_logged():
    with Lab("nlog") as lab:
        start_flow_server(lab)
        with Towpath(lab, config("off")) as towpath:
            older = socket_in(lab, "a", address=A)
            older_outside = outside_endpoint(older)
            lab.wait_for("control to hear of it",
                         lambda: towpath.json("status")["totals"]["mappings_created"]
                         >= len(towpath.json("nat", "show")["mappings"]), 3)
            equal(records(towpath, older.getsockname()), [], "a log that is off")
            towpath.write(config("stderr"))
            done = towpath.client("reload")
            check(done.returncode == 0 and "nat.log" in done.stdout, f"reload: {done}")
            lab.wait_for("what exists", lambda: records(towpath, older.getsockname()), 3)
            found = records(towpath, older.getsockname())
            equal([(one["event"], one["ext_ip"], one["ext_port"]) for one in found],
                  [("exists", *older_outside)], "what the log begins with")

            inside = socket_in(lab, "a", address=A)
            outside = outside_endpoint(inside)
            lab.wait_for("a created line", lambda: records(towpath, inside.getsockname()), 3)
            (made,) = records(towpath, inside.getsockname())
            equal((made["event"], made["proto"], made["ext_ip"], made["ext_port"]),
                  ("created", "udp", *outside), f"{made}")
            stamp = datetime.datetime.fromisoformat(made["ts"].replace("Z", "+00:00"))
            age = datetime.datetime.now(datetime.timezone.utc) - stamp
            check(abs(age.total_seconds()) < 4, f"the time of {made}")
            check(STUN not in json.dumps(made) and str(FLOW_PORT) not in json.dumps(made),
                  f"a destination is nobody's business: {made}")

            lab.wait_for("an ended line",
                         lambda: len(records(towpath, inside.getsockname())) > 1, 12, pause=0.2)
            equal([one["event"] for one in records(towpath, inside.getsockname())],
                  ["created", "ended"], "the life of a mapping")
            lab.wait_for("counts of the log",
                         lambda: towpath.json("status")["totals"]["nat_log_written"] >= 3, 3)
            totals = towpath.json("status")["totals"]
            equal(totals["nat_log_dropped"], 0, "records that nobody read")
            check(totals["mappings_created"] >= 2 and totals["mappings_ended"] >= 1, f"{totals}")
