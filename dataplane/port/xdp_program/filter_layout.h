// SPDX-License-Identifier: BSD-3-Clause
// What the XDP filter and the process that loads it both know: the one value of the map
// `filter_values`. C and C++; numbers in host order unless they say so. Both sides are built
// together, so there is no version in it.
#pragma once

#include <linux/types.h>

#define TOWPATH_FILTER_RULES_MAX 48
#define TOWPATH_FILTER_ADDRESSES_MAX 64
#define TOWPATH_FILTER_NAME "towpath_filter"

// Which destinations a rule matches: only an own address, or a broadcast or multicast one as well
// (DHCP answers before there is an address, so its rule takes any).
#define TOWPATH_TO_OWN_ADDRESS 0
#define TOWPATH_TO_ANY 1

struct towpath_filter_rule {
    __u8 protocol;     // IANA number: 6, 17, or 1 with the Identifier of a query as the port
    __u8 destination;  // TOWPATH_TO_*
    __u16 port_first;  // destination port, inclusive
    __u16 port_last;   // inclusive
};

struct towpath_filter_values {
    __u32 rule_count;
    __u32 address_count;
    __u32 arp_to_kernel;                            // 1: ARP stays with the kernel
    __u32 ipv6_to_data_plane;                       // 0: IPv6 stays with the kernel
    __u32 addresses[TOWPATH_FILTER_ADDRESSES_MAX];  // as on the wire
    struct towpath_filter_rule rules[TOWPATH_FILTER_RULES_MAX];
};
