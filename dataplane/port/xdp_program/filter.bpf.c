// SPDX-License-Identifier: BSD-3-Clause
// The XDP program on an af_xdp port: decides per frame between the kernel and the data plane
// (decisions.md N8, N10). Everything of IPv4 goes to the AF_XDP socket of its queue, except what
// the rules leave to the kernel; ARP and IPv6, as a whole, go where the values say; all else (tags,
// LLDP) is the kernel's. It changes no frame and keeps no state.
//
// Fragments always go to the data plane, since the later ones carry no port: a datagram is never
// split between the two.
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>

// The helpers need the types above.
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "dataplane/port/xdp_program/filter_layout.h"

struct {
    __uint(type, BPF_MAP_TYPE_XSKMAP);
    __type(key, __u32);
    __type(value, __u32);
    __uint(max_entries, 64);
} filter_sockets SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __type(key, __u32);
    __type(value, struct towpath_filter_values);
    __uint(max_entries, 1);
} filter_values SEC(".maps");

// Frames that the rules left to the kernel.
struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __type(key, __u32);
    __type(value, __u64);
    __uint(max_entries, 1);
} filter_left SEC(".maps");

struct ports {
    __be16 source;
    __be16 destination;
};

struct icmp_start {
    __u8 type;
    __u8 code;
    __be16 checksum;
    __be16 identifier;
    __be16 sequence;
};

#define FRAGMENT_BITS 0x3FFF  // more fragments, or an offset
#define ICMP_ECHO_REPLY 0
#define ICMP_UNREACHABLE 3
#define ICMP_TIME_EXCEEDED 11
#define ICMP_PARAMETER_PROBLEM 12
#define ICMP_TIMESTAMP_REPLY 14

static __always_inline int is_own(const struct towpath_filter_values* values, __be32 address) {
    for (__u32 index = 0; index < TOWPATH_FILTER_ADDRESSES_MAX; ++index) {
        if (index >= values->address_count) {
            return 0;
        }
        if (values->addresses[index] == address) {
            return 1;
        }
    }
    return 0;
}

static __always_inline int rules_match(const struct towpath_filter_values* values, __u8 protocol,
                                       __u16 port, int own) {
    for (__u32 index = 0; index < TOWPATH_FILTER_RULES_MAX; ++index) {
        if (index >= values->rule_count) {
            return 0;
        }
        const struct towpath_filter_rule* rule = &values->rules[index];
        if (rule->protocol == protocol && port >= rule->port_first && port <= rule->port_last &&
            (own || rule->destination == TOWPATH_TO_ANY)) {
            return 1;
        }
    }
    return 0;
}

// The endpoint inside the packet that an ICMP error quotes was the host's own: its source.
static __always_inline int quotes_kernel_flow(const struct towpath_filter_values* values,
                                              void* quoted, void* end) {
    struct iphdr* ip = quoted;
    if ((void*)(ip + 1) > end || ip->version != 4 || ip->ihl < 5) {
        return 0;
    }
    const __u32 length = (__u32)ip->ihl * 4;
    if (ip->frag_off & bpf_htons(0x1FFF)) {
        return 0;
    }
    __u16 port = 0;
    if (ip->protocol == IPPROTO_ICMP) {
        struct icmp_start* query = quoted + length;
        if ((void*)(query + 1) > end) {
            return 0;
        }
        port = bpf_ntohs(query->identifier);
    } else {
        struct ports* transport = quoted + length;
        if ((void*)(transport + 1) > end) {
            return 0;
        }
        port = bpf_ntohs(transport->source);
    }
    return is_own(values, ip->saddr) && rules_match(values, ip->protocol, port, 1);
}

static __always_inline int is_for_kernel(const struct towpath_filter_values* values, void* start,
                                         void* end) {
    struct iphdr* ip = start;
    if ((void*)(ip + 1) > end || ip->version != 4 || ip->ihl < 5) {
        return 0;  // the data plane names what is wrong with it
    }
    if (ip->frag_off & bpf_htons(FRAGMENT_BITS)) {
        return 0;
    }
    void* transport = start + (__u32)ip->ihl * 4;
    const int own = is_own(values, ip->daddr);
    if (ip->protocol == IPPROTO_TCP || ip->protocol == IPPROTO_UDP) {
        struct ports* found = transport;
        if ((void*)(found + 1) > end) {
            return 0;
        }
        return rules_match(values, ip->protocol, bpf_ntohs(found->destination), own);
    }
    if (ip->protocol != IPPROTO_ICMP || !own) {
        return 0;
    }
    struct icmp_start* icmp = transport;
    if ((void*)(icmp + 1) > end) {
        return 0;
    }
    // Answers only: requests to an own address are answered by the data plane (N18).
    if (icmp->type == ICMP_ECHO_REPLY || icmp->type == ICMP_TIMESTAMP_REPLY) {
        return rules_match(values, IPPROTO_ICMP, bpf_ntohs(icmp->identifier), own);
    }
    if (icmp->type == ICMP_UNREACHABLE || icmp->type == ICMP_TIME_EXCEEDED ||
        icmp->type == ICMP_PARAMETER_PROBLEM) {
        return quotes_kernel_flow(values, icmp + 1, end);
    }
    return 0;
}

static __always_inline int leave_to_kernel(void) {
    const __u32 zero = 0;
    __u64* left = bpf_map_lookup_elem(&filter_left, &zero);
    if (left) {
        *left += 1;
    }
    return XDP_PASS;
}

SEC("xdp")
int towpath_filter(struct xdp_md* context) {
    void* start = (void*)(long)context->data;
    void* end = (void*)(long)context->data_end;
    const __u32 zero = 0;
    const struct towpath_filter_values* values = bpf_map_lookup_elem(&filter_values, &zero);
    struct ethhdr* ethernet = start;
    if (!values || (void*)(ethernet + 1) > end) {
        return XDP_DROP;
    }
    if (ethernet->h_proto == bpf_htons(ETH_P_ARP)) {
        if (values->arp_to_kernel) {
            return leave_to_kernel();
        }
    } else if (ethernet->h_proto == bpf_htons(ETH_P_IPV6)) {
        if (!values->ipv6_to_data_plane) {
            return XDP_PASS;
        }
    } else if (ethernet->h_proto != bpf_htons(ETH_P_IP)) {
        return XDP_PASS;
    } else if (is_for_kernel(values, ethernet + 1, end)) {
        return leave_to_kernel();
    }
    // No socket on this queue: dropped. The kernel must not answer for addresses it shares.
    return bpf_redirect_map(&filter_sockets, context->rx_queue_index, XDP_DROP);
}

// The kernel reads the licence from here; none of the helpers used above asks for the GPL.
char filter_license[] SEC("license") = "Dual BSD/GPL";
