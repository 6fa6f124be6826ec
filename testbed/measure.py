# SPDX-License-Identifier: BSD-3-Clause
"""What is measured through whatever stands between the cables: loss-free rate, latency at a load,
processor time at a load, a TCP transfer. Every step is bounded in time."""

import json
import os
import time

from cables import PROBE_PORT, gateway, topology

# A rate counts as loss-free when at most this part is lost: a guest's cores are taken away now and
# then, and one such pause must not decide a search.
LOSS_MAX = 1e-4
FLOWS = 64
RATE_MAX = 8e6
SEARCH_STEPS = 6
# The sender reached this part of what it was asked for, or it is the limit.
SENDER_KEEPS_UP = 0.97
SENDER_RETRIES = 2


def generator(cables, rate, seconds, size="60", burst=16):
    """The command line of one run of the generator."""
    assert PROBE_PORT == 9000  # the generator's own default
    return [gateway.program("towpath-traffic"),
            f"from-namespace={cables.namespace('a')}", "from=eth0",
            f"to-namespace={cables.namespace('router')}", "to=gw0",
            f"gateway-mac={cables.gateway_mac()}", f"source={topology.A}",
            f"destination={topology.ROUTER}", f"flows={FLOWS}", f"rate={rate:.0f}",
            f"seconds={seconds}", f"size={size}", f"burst={burst}", "core=0"]


def trial(cables, rate, seconds, size="60", burst=16):
    """One run of the generator; its report."""
    return json.loads(topology.system(*generator(cables, rate, seconds, size, burst)))


def is_clean(report):
    return report["loss"] <= LOSS_MAX and report["receiver_overflow"] == 0 and report["sent"] > 0


def search(cables, seconds, size="60"):
    """The greatest rate without loss: doubling, then halving the interval, then a longer look at
    what was found. `limit` says what ended it: the gateway or the generator."""
    clean, lossy, asked, limit = 0.0, None, 50e3, "gateway"
    for _ in range(SEARCH_STEPS + 8):
        report = trial(cables, asked, seconds, size)
        for _ in range(SENDER_RETRIES):
            # It may have been a pause of the machine.
            if report["offered_pps"] >= SENDER_KEEPS_UP * asked:
                break
            report = trial(cables, asked, seconds, size)
        keeps_up = report["offered_pps"] >= SENDER_KEEPS_UP * asked
        if is_clean(report):
            clean = max(clean, report["received_pps"])
            if not keeps_up:
                limit = "generator"
                break
        else:
            lossy = min(lossy or RATE_MAX, asked)
        if lossy is None:
            asked = min(asked * 2, RATE_MAX)
        elif lossy - clean < 0.04 * lossy:
            break
        else:
            asked = (clean + lossy) / 2
    for _ in range(6):
        if clean == 0 or is_clean(trial(cables, clean, 2 * seconds, size)):
            break
        clean *= 0.95
    return {"pps": clean, "limit": limit}


def saturation(cables, seconds):
    """What arrives when as much as possible is offered."""
    return trial(cables, RATE_MAX, seconds, burst=64)


def busy_seconds():
    """Time that all cores together did not idle, since boot."""
    with open("/proc/stat", encoding="ascii") as stat:
        fields = [int(word) for word in stat.readline().split()[1:9]]
    user, nice, system, _idle, _wait, interrupt, soft_interrupt, steal = fields
    return (user + nice + system + interrupt + soft_interrupt + steal) / os.sysconf("SC_CLK_TCK")


def others_share(seconds):
    """The part of all cores that other programs use while the testbed itself rests."""
    before = busy_seconds()
    time.sleep(seconds)
    return (busy_seconds() - before) / seconds / (os.cpu_count() or 1)


def loaded(cables, rate, seconds):
    """A trial at a fixed rate with the processor time of the whole machine during it."""
    before = busy_seconds()
    report = trial(cables, rate, seconds, burst=8)
    report["busy_s"] = busy_seconds() - before
    return report


def tcp_gbps(cables, seconds):
    """One iperf3 TCP connection; 0 when it does not get through."""
    done = cables.run("a", "iperf3", "-c", topology.ROUTER, "-t", seconds, "-J",
                      timeout=seconds + 20)
    try:
        return json.loads(done.stdout)["end"]["sum_received"]["bits_per_second"] / 1e9
    except (ValueError, KeyError):
        return 0.0
