// SPDX-License-Identifier: BSD-3-Clause
// Bad configurations, each with the exact words and the place (BAD-CFG-01 to 03, 07).
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "config/load.h"

namespace towpath::config {
namespace {

std::string told(std::string_view text) {
    return to_string(load_text(text).diagnostics, "f");
}

// A valid file but for what a case puts in; a default route keeps the warning away.
std::string with(std::string_view nat, std::string_view more = "") {
    return "version: 1\n"
           "interfaces:\n"
           "  lan: {match: {name: lan0}, addresses: [10.77.1.1/24]}\n"
           "  wan: {match: {name: wan0}, addresses: [192.0.2.10/24]}\n"
           "routes: {static: [{to: 0.0.0.0/0, via: 192.0.2.1}]}\n"
           "nat:\n"
           "  inside: lan\n"
           "  outside: wan\n" +
           std::string{nat} + std::string{more};
}

struct Case {
    std::string_view name;
    std::string text;
    std::string_view told;
};

// What a failing case prints instead of its bytes.
void PrintTo(const Case& which, std::ostream* out) {
    *out << which.name;
}

std::string name_of(const testing::TestParamInfo<Case>& which) {
    return std::string{which.param.name};
}

class Refusal : public testing::TestWithParam<Case> {};

TEST_P(Refusal, NamesThePlaceAndTheFault) {
    EXPECT_EQ(told(GetParam().text), GetParam().told);
}

const std::vector<Case> kSyntax = {
    {"Empty", "", "f: error: the file is empty, but must be a map of keys\n"},
    {"List", "- 1\n", "f:1:1: error: the file is a list, but must be a map of keys\n"},
    {"Unclosed", "version: 1\ninterfaces: {\n",
     "f:3:1: error: not YAML: end of map flow not found\n"},
    {"Tab", "version: 1\ninterfaces:\n\tlan: 1\n", "f:3:5: error: not YAML: illegal map value\n"},
    {"TwoDocuments", "version: 1\n---\nversion: 1\n",
     "f:2:1: error: a second document begins here; a configuration is one document\n"},
    {"Alias", "version: 1\na: &x [1]\nb: *x\n",
     "f:2:4: error: anchors (&) and aliases (*) are not accepted; write the value out\n"},
    {"Tag", "version: !!python/object 1\n",
     "f:1:10: error: tag 'tag:yaml.org,2002:python/object' is not accepted\n"},
    {"ListAsKey", "[1, 2]: 1\n", "f:1:1: error: a key must be a plain word, not a list\n"},
    {"NotUtf8", "version: 1\n# \xC3\x28\n",
     "f:2:3: error: not UTF-8: save the file as UTF-8 text\n"},
    {"Nul", std::string{"version: 1\0\n", 12},
     "f:1:11: error: control character 0: a configuration is plain text\n"},
    {"NoVersion", "interfaces: {lan: {match: {name: a}}}\n",
     "f:1:1: error: 'version' is missing\n"},
    {"OtherVersion", "version: 2\ninterfaces: {lan: {match: {name: a}}}\n",
     "f:1:10: error: version 2 is not known: this build reads version 1\n"},
};
INSTANTIATE_TEST_SUITE_P(Syntax, Refusal, testing::ValuesIn(kSyntax), name_of);

const std::vector<Case> kKeys = {
    {"Unknown", with("  timeouts: {upd: 300s}\n"),
     "f:9:14: error: unknown key 'upd' in nat.timeouts; did you mean 'udp'?\n"},
    {"UnknownFarFromAny", with("  zebra: 1\n"), "f:9:3: error: unknown key 'zebra' in nat\n"},
    {"UnknownInInterface",
     "version: 1\ninterfaces: {lan: {match: {name: a}, adresses: [10.77.1.1/24]}}\n",
     "f:2:38: error: unknown key 'adresses' in interfaces.lan; did you mean 'addresses'?\n"},
    {"PatternIsNoKey", with("", "interfaces.*: {}\n"),
     "f:9:1: error: unknown key 'interfaces.*'; did you mean 'interfaces'?\n"},
    {"Twice", with("  pool: [wan]\n  pool: [wan]\n"),
     "f:10:3: error: 'pool' given twice in nat; first at line 9\n"},
    {"TwiceAtTop", with("", "version: 1\n"),
     "f:9:1: error: 'version' given twice; first at line 1\n"},
    {"Mesh", with("", "mesh: {listen: 41641}\n"),
     "f:9:1: error: 'mesh' is not available in this version: tailnet membership is not built "
     "yet\n"},
    {"PortForward", with("  port-forward: []\n"),
     "f:9:3: error: 'port-forward' in nat is not available in this version: port forwarding is not "
     "built yet\n"},
    {"Pcp", with("  pcp: true\n"),
     "f:9:3: error: 'pcp' in nat is not available in this version: PCP is not built yet\n"},
    {"MappingProtocols", with("  mapping-protocols: {pcp: true}\n"),
     "f:9:3: error: 'mapping-protocols' in nat is not available in this version: PCP, NAT-PMP and "
     "UPnP are not built yet\n"},
    {"Ipfix", with("  log: {ipfix: {collector: 192.0.2.7:4739}}\n"),
     "f:9:9: error: 'ipfix' in nat.log is not available in this version: IPFIX export is not built "
     "yet\n"},
    {"JsonLog", with("  log: {json: file}\n"),
     "f:9:15: error: nat.log.json: 'file' is not one of off, stderr\n"},
    {"Metadata", "version: 1\ninterfaces: {lan: {match: {name: a}, addresses: metadata}}\n",
     "f:2:49: error: addresses from metadata are not available in this version: list them, as in "
     "[10.77.1.1/24]\n"},
    {"MissingInside",
     "version: 1\ninterfaces: {wan: {match: {name: a}, addresses: [192.0.2.1/24]}}\n"
     "routes: {static: [{to: 0.0.0.0/0, via: 192.0.2.2}]}\nnat: {outside: wan}\n",
     "f:4:6: error: 'inside' is missing in nat\n"},
    {"EmptySection", with("  timeouts:\n"),
     "f:9:3: error: nat.timeouts is empty, but must be a map of keys\n"},
};
INSTANTIATE_TEST_SUITE_P(Keys, Refusal, testing::ValuesIn(kKeys), name_of);

const std::vector<Case> kValues = {
    {"PrefixLength", with("  source: [10.0.1.0/33]\n"),
     "f:9:12: error: 10.0.1.0/33 is not a prefix: length must be 0..32\n"},
    {"PrefixHostBits", with("  source: [10.77.1.5/24]\n"),
     "f:9:12: error: 10.77.1.5/24 is not a prefix: it has host bits; did you mean 10.77.1.0/24?\n"},
    {"PrefixOctet", with("  source: [10.300.1.0/24]\n"),
     "f:9:12: error: 10.300.1.0/24 is not a prefix: the address is not four numbers of 0..255\n"},
    {"MapForWord", with("  ports: {from: 1}\n"),
     "f:9:10: error: nat.ports is a map, but must be a single value\n"},
    {"WordForMap", with("  timeouts: 300s\n"),
     "f:9:13: error: nat.timeouts is a single value, but must be a map of keys\n"},
    {"PortZero", with("  ports: 0-65535\n"),
     "f:9:10: error: 0-65535 is out of range: ports are 1..65535 (BAD-CFG-02)\n"},
    {"PortBackwards", with("  ports: 2000-1024\n"),
     "f:9:10: error: 2000-1024 starts after its end (BAD-CFG-02)\n"},
    {"NoUnit", with("  timeouts: {udp: 300}\n"),
     "f:9:19: error: 300 has no unit: write 300s for seconds\n"},
    {"BadUnit", with("  timeouts: {udp: 5w}\n"),
     "f:9:19: error: 5w is not a time: numbers with d, h, m, s, as in 300s or 2h4m\n"},
    {"HugeTime", with("  timeouts: {udp: 99999999999999999999d}\n"),
     "f:9:19: error: 99999999999999999999d is not a time: numbers with d, h, m, s, as in 300s or "
     "2h4m\n"},
    {"Boolean", with("  hairpin: yes\n"), "f:9:12: error: yes is not true or false\n"},
    {"Choice", with("  filtering: {udp: endpoint-independant}\n"),
     "f:9:20: error: nat.filtering.udp: 'endpoint-independant' is not one of endpoint-independent, "
     "address-dependent, address-and-port-dependent; did you mean 'endpoint-independent'?\n"},
    {"CountRange", with("  limits: {mappings: 1G}\n"),
     "f:9:22: error: 1G is not a count: a number with k, M, Ki or Mi, as in 4M\n"},
    {"CountBelow", with("  limits: {mappings: 1023}\n"),
     "f:9:22: error: 1023 is out of range: 1024..67108864\n"},
    {"CountAbove", with("  limits: {mappings: 67108865}\n"),
     "f:9:22: error: 67108865 is out of range: 1024..67108864\n"},
    {"Mtu", "version: 1\ninterfaces: {lan: {match: {name: a}, mtu: 9217}}\n",
     "f:2:43: error: 9217 is out of range: 576..9216\n"},
    {"Vfio", "version: 1\ninterfaces: {lan: {match: {name: a}, driver: vfio}}\n",
     "f:2:46: error: driver 'vfio' is written 'pci': it takes whichever the device is bound to\n"},
    {"LongName", "version: 1\ninterfaces: {sixteen-letters-: {match: {name: a}}}\n",
     "f:2:14: error: sixteen-letters- is not an interface name: 1 to 15 letters, digits, dots, "
     "dashes\n"},
    {"NameOfTwoLines", "version: 1\ninterfaces: {\"a\\nb\": {match: {}}}\n",
     "f:2:14: error: a?b is not an interface name: 1 to 15 letters, digits, dots, dashes\n"},
    {"Endpoint", with("", "management: {metrics: 9469}\n"),
     "f:9:23: error: 9469 is not an address and port, as in 127.0.0.1:9469\n"},
    {"CoreTwice", with("", "dataplane: {cores: [2-4, 3]}\n"),
     "f:9:20: error: dataplane.cores names a core twice\n"},
};
INSTANTIATE_TEST_SUITE_P(Values, Refusal, testing::ValuesIn(kValues), name_of);

const std::vector<Case> kRules = {
    {"NoInterface", "version: 1\ninterfaces: {}\n",
     "f:2:1: error: interfaces is empty: the data plane needs at least one\n"},
    {"UnknownInside", with("  pool: [wam]\n"), "f:9:10: error: no interface is called 'wam'\n"},
    {"InsideIsOutside",
     "version: 1\ninterfaces: {wan: {match: {name: a}, addresses: [192.0.2.1/24]}}\n"
     "routes: {static: [{to: 0.0.0.0/0, via: 192.0.2.2}]}\n"
     "nat: {inside: [wan], outside: wan}\n",
     "f:4:16: error: 'wan' is both inside and outside\n"},
    {"EmptyPool", with("  pool: []\n"),
     "f:9:9: error: nat.pool is empty (BAD-CFG-01): leave it out for the outside interface's "
     "addresses, or list some\n"},
    {"OverlappingPools", with("  pool: [198.51.100.0/29, 198.51.100.7]\n"),
     "f:9:27: error: pool address 198.51.100.7 is given twice: pools overlap (BAD-CFG-01)\n"},
    {"PoolInside", with("  pool: [10.77.1.9]\n"),
     "f:9:10: error: pool address 10.77.1.9 lies in 10.77.1.0/24 of lan (BAD-CFG-01)\n"},
    {"PoolIsNextHop", with("  pool: [192.0.2.1]\n"),
     "f:9:10: error: pool address 192.0.2.1 is the next hop of the route to 0.0.0.0/0\n"},
    {"PoolInSource", with("  source: 203.0.113.0/24\n  pool: [203.0.113.9]\n"),
     "f:10:10: error: pool address 203.0.113.9 lies in nat.source 203.0.113.0/24 (BAD-CFG-01)\n"},
    {"PoolPastLimit", with("  pool: [203.0.113.1-203.0.113.17]\n"),
     "f:9:3: error: nat.pool has 17 addresses, but nat.limits.pool-addresses is 16\n"},
    {"PoolTooLarge",
     with("  pool: [198.51.100.0/24, 203.0.113.7]\n  limits: {pool-addresses: 256}\n"),
     "f:9:3: error: nat.pool has more than 256 addresses\n"},
    {"UdpBelowFloor", with("  timeouts: {udp: 119s}\n"),
     "f:9:14: error: nat.timeouts.udp 1m59s is below its floor of 2m (U-05); allow-below-floor: "
     "true overrides (BAD-CFG-03)\n"},
    {"TcpBelowFloor", with("  timeouts: {tcp-established: 7439s, tcp-transitory: 239s}\n"),
     "f:9:14: error: nat.timeouts.tcp-established 2h3m59s is below its floor of 2h4m (T-05); "
     "allow-below-floor: true overrides (BAD-CFG-03)\n"
     "f:9:54: error: nat.timeouts.tcp-open 3m59s is below its floor of 4m (T-05); "
     "allow-below-floor: true overrides (BAD-CFG-03)\n"
     "f:9:54: error: nat.timeouts.tcp-close 3m59s is below its floor of 4m (T-05); "
     "allow-below-floor: true overrides (BAD-CFG-03)\n"},
    {"BelowFloorByOverride", with("  timeouts: {icmp: 59s, allow-below-floor: true}\n"),
     "f:9:14: warning: nat.timeouts.icmp 59s is below its floor of 1m (I-02)\n"},
    {"NoPortLeft", with("  ports: 62000-63000\n"),
     "f:9:3: error: no port is left for mappings (BAD-CFG-01): all of 62000-63000 is reserved\n"},
    {"NoMatch", "version: 1\ninterfaces: {lan: {addresses: [10.77.1.1/24]}}\n",
     "f:2:14: error: interfaces.lan needs match: {name: ...}, {pci: ...} or {mac: ...}\n"},
    {"TwoMatches", "version: 1\ninterfaces: {lan: {match: {name: a, pci: \"0000:3b:00.0\"}}}\n",
     "f:2:20: error: interfaces.lan.match has more than one key: give one\n"},
    {"SameDevice", "version: 1\ninterfaces: {a: {match: {name: x}}, b: {match: {name: x}}}\n",
     "f:2:41: error: device x is already interface a\n"},
    {"OverlappingNetworks",
     "version: 1\ninterfaces:\n  a: {match: {name: x}, addresses: [10.77.1.1/24]}\n"
     "  b: {match: {name: y}, addresses: [10.77.1.129/25]}\n",
     "f:4:37: error: 10.77.1.129/25 overlaps 10.77.1.1/24 of a (BAD-CFG-01)\n"},
    {"NetworkAddress",
     "version: 1\ninterfaces: {a: {match: {name: x}, addresses: [10.77.1.0/24]}}\n",
     "f:2:48: error: 10.77.1.0/24 is the address of the network itself\n"},
    {"MemifWithoutSocket", "version: 1\ninterfaces: {a: {driver: memif}}\n",
     "f:2:14: error: interfaces.a: driver memif needs memif: {socket: PATH}\n"},
    {"NextHop",
     "version: 1\ninterfaces: {a: {match: {name: x}, addresses: [10.77.1.1/24]}}\n"
     "routes: {static: [{to: 0.0.0.0/0, via: 10.77.2.1}]}\n",
     "f:3:35: error: next hop 10.77.2.1 is in no connected network\n"},
    {"OwnNextHop",
     "version: 1\ninterfaces: {a: {match: {name: x}, addresses: [10.77.1.1/24]}}\n"
     "routes: {static: [{to: 0.0.0.0/0, via: 10.77.1.1}]}\n",
     "f:3:35: error: next hop 10.77.1.1 is an address of this box\n"},
    {"RouteTwice", with("", "local: {allow: [{from: dmz, protocol: tcp, port: 22}]}\n"),
     "f:9:18: error: no interface is called 'dmz'\n"},
    {"AdoptedAndUnreachable",
     "version: 1\ninterfaces: {a: {match: {name: x}, adopt-address: true}}\n",
     "f:2:36: warning: the kernel's address on a is taken over, and no local.allow lets anybody "
     "reach the host there any more, by SSH or otherwise\n"},
    {"AdoptedAndReached",
     "version: 1\ninterfaces: {a: {match: {name: x}, adopt-address: true}}\n"
     "local: {allow: [{from: a, protocol: tcp, port: 22}]}\n",
     ""},
    {"HostPortsOverlap", with("", "host-ports: [61000-65535, 62000]\n"),
     "f:9:1: error: host-ports overlap at port 62000\n"},
    {"NoDefaultRoute",
     "version: 1\ninterfaces:\n  a: {match: {name: x}, addresses: [10.77.1.1/24]}\n"
     "  b: {match: {name: y}, addresses: [192.0.2.1/24]}\n"
     "nat: {inside: a, outside: b}\n",
     "f:5:1: warning: there is no default route: only connected networks and the listed routes are "
     "reachable\n"},
};
INSTANTIATE_TEST_SUITE_P(Rules, Refusal, testing::ValuesIn(kRules), name_of);

TEST(Refusals, AllAtOnceInTheOrderOfTheFile) {
    EXPECT_EQ(
        told("version: 1\n"
             "interfaces:\n"
             "  lan: {mach: {name: lan0}, addresses: [10.77.1.1/33]}\n"
             "  wan: {match: {name: wan0}, addresses: [192.0.2.10/24]}\n"
             "routes: {static: [{to: 0.0.0.0/0, via: 198.51.100.1}]}\n"
             "nat: {inside: [lan, dmz], outside: wan, pool: [wan], timeouts: {udp: 5s}}\n"),
        "f:3:9: error: unknown key 'mach' in interfaces.lan; did you mean 'match'?\n"
        "f:3:41: error: 10.77.1.1/33 is not an address with its length: length must be 0..32\n"
        "f:5:35: error: next hop 198.51.100.1 is in no connected network\n"
        "f:6:21: error: no interface is called 'dmz'\n"
        "f:6:65: error: nat.timeouts.udp 5s is below its floor of 2m (U-05); "
        "allow-below-floor: true overrides (BAD-CFG-03)\n");
}

}  // namespace
}  // namespace towpath::config
