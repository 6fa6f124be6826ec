// SPDX-License-Identifier: BSD-3-Clause
// The client against a served API: screens word for word, exit codes, refusals.
#include <algorithm>

#include "dataplane/contract/version.h"
#include "tests/unit/control/said_client.h"
#include "tests/unit/control/served_api.h"

namespace towpath::control {
namespace {

class Client : public ServedApi {
protected:
    [[nodiscard]] Said ask(std::vector<std::string> words, To where = To::pipe) const {
        words.insert(words.begin(), {"--run-dir", folder_.string()});
        return client(std::move(words), where);
    }
};

TEST_F(Client, Status) {
    const Said said = ask({"status"});
    EXPECT_EQ(said.exit_code, ExitCode::ok);
    EXPECT_EQ(said.out, R"(towpath 0.1.0   up 12d 4h   data plane: forwarding for 2m05s
config   /etc/towpath/towpath.yaml   generation 3
lan      af_packet  inside   10.77.1.1/24                 up    1.1 Gb/s  in  3.8 Gb/s  out
wan      af_packet  outside  192.0.2.10/24 192.0.2.11/24  down   999 b/s  in     0 b/s  out
workers  core 2 busy 41%  core 3 busy 38%   software distribution   buffers 11% in use   huge pages no
nat      mappings 18 204 udp  61 990 tcp  3 icmp / 262 144   sessions 61 990 / 262 144
packets  received 1 204 991  transmitted 1 198 332  to the host 7  dropped 6 659

WARN  wan is down
WARN  the data plane was restarted 1 time
WARN  nat_port_exhausted is rising (3.5/s): add an address to nat.pool  (towpath nat ports says which is full)
note  lan: checksum offload is not available
)");
}

TEST_F(Client, StatusOfABoxThatDoesNotForwardIsExitCodeOne) {
    model_.status_model.dataplane = DataplaneLink::disconnected;
    model_.status_model.last_reload_ok = false;
    const Said said = ask({"status"});
    EXPECT_EQ(said.exit_code, ExitCode::failed);
    EXPECT_NE(said.out.find("data plane: disconnected\n"), std::string::npos) << said.out;
    EXPECT_NE(said.out.find("WARN  the data plane does not answer"), std::string::npos) << said.out;
    EXPECT_NE(said.out.find("WARN  the last reload was refused"), std::string::npos) << said.out;
}

TEST_F(Client, StatusOfADataPlaneThatHangsSaysSinceWhenAndIsExitCodeOne) {
    model_.status_model.dataplane = DataplaneLink::not_answering;
    model_.status_model.dataplane_silent_s = 75;
    const Said said = ask({"status"});
    EXPECT_EQ(said.exit_code, ExitCode::failed);
    EXPECT_NE(said.out.find("data plane: not answering for 75 s\n"), std::string::npos) << said.out;
    EXPECT_NE(said.out.find("WARN  towpathd is there but hangs or is stopped"), std::string::npos)
        << said.out;
    EXPECT_EQ(said.out.find("wan is down"), std::string::npos) << "nobody knows: " << said.out;
}

TEST_F(Client, InterfacesThatAreDownAreWarnedOfAndOneThatIsUpIsEnough) {
    model_.interface_models[1].is_up = true;
    Said said = ask({"status"});
    EXPECT_EQ(said.out.find(" is down"), std::string::npos) << said.out;
    model_.interface_models[0].is_up = false;
    said = ask({"status"});
    EXPECT_EQ(said.exit_code, ExitCode::ok);
    EXPECT_NE(said.out.find("WARN  lan is down\n"), std::string::npos) << said.out;
    EXPECT_EQ(said.out.find("wan is down"), std::string::npos) << said.out;
    model_.interface_models[1].is_up = false;
    said = ask({"status"});
    EXPECT_EQ(said.exit_code, ExitCode::failed);
    EXPECT_NE(said.out.find("WARN  no interface is up: nothing is forwarded"), std::string::npos)
        << said.out;
}

TEST_F(Client, AddressConflictsAreWarnedOfWhereTheyAre) {
    model_.interface_models[1].address_conflicts = 1200;
    const std::string words =
        "another station claims one of our addresses (1 200 ARP messages): look for a duplicate "
        "address\n";
    const std::string status = ask({"status"}).out;
    EXPECT_NE(status.find("WARN  wan: " + words), std::string::npos) << status;
    EXPECT_EQ(status.find("lan: another"), std::string::npos) << status;
    const std::string interfaces = ask({"interfaces"}).out;
    EXPECT_NE(interfaces.find("  note " + words), std::string::npos) << interfaces;
}

TEST_F(Client, StatusSaysWhatTheLogMissed) {
    model_.status_model.events_lost = 9;
    model_.totals_model.log_dropped = 1234;
    const std::string out = ask({"status"}).out;
    EXPECT_NE(out.find("WARN  9 mapping events were lost to a full ring"), std::string::npos)
        << out;
    EXPECT_NE(out.find("WARN  1 234 records of the NAT log were dropped"), std::string::npos)
        << out;
}

TEST_F(Client, NatShowOfOneHostLooksAtEveryPage) {
    const MappingModel example = model_.mappings.at(0);
    model_.mappings.clear();
    for (std::uint16_t number = 0; number < 3000; ++number) {
        MappingModel mapping = example;
        const std::uint32_t host = number % 1000 == 0 ? 0x0A4D010CU : 0x0A4D0101U;
        mapping.inside = {Ipv4Address{host}, Port{static_cast<std::uint16_t>(number + 1)}};
        model_.mappings.push_back(mapping);
    }
    const std::string shown = ask({"nat", "show", "--inside", "10.77.1.12"}).out;
    for (const char* inside : {" 10.77.1.12:1 ", " 10.77.1.12:1001 ", " 10.77.1.12:2001 "}) {
        EXPECT_NE(shown.find(inside), std::string::npos) << shown;
    }
    EXPECT_EQ(std::count(shown.begin(), shown.end(), '\n'), 4) << shown;
    const std::string two = ask({"nat", "show", "--inside", "10.77.1.1", "--limit", "2"}).out;
    EXPECT_EQ(std::count(two.begin(), two.end(), '\n'), 4) << two;
    EXPECT_NE(two.find("there are more"), std::string::npos) << two;
    // Whether the last one fits is known from the page that is the last, too.
    const auto of_three = [&](const char* limit) {
        return ask({"nat", "show", "--inside", "10.77.1.12", "--limit", limit}).out;
    };
    EXPECT_NE(of_three("2").find("there are more"), std::string::npos) << of_three("2");
    EXPECT_EQ(of_three("3").find("there are more"), std::string::npos) << of_three("3");
    EXPECT_EQ(ask({"nat", "show", "--inside", "10.77.1.13"}).out, "no mappings\n");
    const Said wrong = ask({"nat", "show", "--inside", "lan"});
    EXPECT_EQ(wrong.exit_code, ExitCode::usage);
    EXPECT_NE(wrong.error.find("lan is not an IPv4 address"), std::string::npos) << wrong.error;
}

TEST_F(Client, ColoursAreForTerminalsThatWantThem) {
    EXPECT_EQ(ask({"status"}).out.find('\033'), std::string::npos);
    EXPECT_NE(ask({"status"}, To::terminal).out.find("\033[32mforwarding\033[0m"),
              std::string::npos);
    EXPECT_EQ(ask({"status", "--no-color"}, To::terminal).out.find('\033'), std::string::npos);
}

TEST_F(Client, Interfaces) {
    EXPECT_EQ(ask({"interfaces"}).out, R"(lan  af_packet  inside  up  10.77.1.1/24
  mac 02:00:00:00:00:01  mtu 1500  queues 2 in 2 out  host tap
  in   1 204 991  pkts     98 000 123  bytes  1.1 Gb/s
  out  1 198 332  pkts  1 234 567 890  bytes  3.8 Gb/s
wan  af_packet  outside  down  192.0.2.10/24 192.0.2.11/24
  mac 02:00:00:00:00:01  mtu 1500  queues 2 in 2 out
  in   1 204 991  pkts     98 000 123  bytes  999 b/s
  out  1 198 332  pkts  1 234 567 890  bytes    0 b/s
  note no receive-side scaling
)");
}

TEST_F(Client, Drops) {
    EXPECT_EQ(ask({"drops"}).out, R"(REASON                  TOTAL     /s  MEANING
nat_port_exhausted        212    3.5  No free port on the paired address.
inbound_no_mapping  1 000 000  1 234  Nobody inside asked for it.

ICMP errors about them that were not sent: 2 488 over the rate limit, 13 repeated within a second
)");
    model_.totals_model.icmp_errors_over_rate = 0;
    model_.totals_model.icmp_errors_repeated = 0;
    EXPECT_EQ(ask({"drops"}).out.find("ICMP errors"), std::string::npos);
}

TEST_F(Client, Routes) {
    EXPECT_EQ(ask({"routes"}).out, R"(TO               VIA        INTERFACE  FROM
0.0.0.0/0        192.0.2.1  wan        static
10.77.1.0/24     -          lan        connected
10.99.0.2/32     -          wg0        peer laptop
198.51.100.0/24  -          refused    static
)");
    EXPECT_TRUE(ask({"routes", "--limit", "2"}).out.ends_with("and 2 more: --limit N\n"));
    EXPECT_EQ(ask({"routes", "10.77.1.1"}).out, R"(TO         VIA  INTERFACE  FROM
10.77.1.1  -    lan        this box
)");
    EXPECT_EQ(ask({"routes", "10.77.1"}).exit_code, ExitCode::usage);
    EXPECT_NE(get("/v1/routes?to=a").find("400"), std::string::npos);
    EXPECT_NE(get("/v1/routes?limit=65537").find("400"), std::string::npos);
}

TEST_F(Client, StatusWarnsOfPortExhaustionWhileItHappens) {
    const std::string words = "WARN  nat_port_exhausted is rising";
    EXPECT_NE(ask({"status"}).out.find(words), std::string::npos);
    model_.status_model.dataplane = DataplaneLink::disconnected;
    EXPECT_EQ(ask({"status"}).out.find(words), std::string::npos);
    model_.status_model.dataplane = DataplaneLink::forwarding;
    model_.drop_models[0].per_second = 0;
    EXPECT_EQ(ask({"status"}).out.find(words), std::string::npos);
    model_.drop_models.clear();
    EXPECT_EQ(ask({"status"}).out.find(words), std::string::npos);
}

TEST_F(Client, NatShow) {
    EXPECT_EQ(ask({"nat", "show"}).out,
              R"(PROTO  INSIDE            OUTSIDE             AGE  IDLE  EXPIRES  SESSIONS
udp    10.77.1.77:51820  192.0.2.10:51820  4h11m    2s    4m58s         -
tcp    10.77.1.78:44312  192.0.2.10:44312  4h11m    2s        -         3
)");
}

TEST_F(Client, NatShowStopsAtItsLimitAndSaysSo) {
    const Said said = ask({"nat", "show", "--limit", "1"});
    EXPECT_EQ(said.out.find("10.77.1.78"), std::string::npos) << said.out;
    EXPECT_NE(said.out.find("there are more"), std::string::npos) << said.out;
}

TEST_F(Client, NatShowAsksForAsManyPagesAsItTakes) {
    model_.mappings.assign(2500, model_.mappings.front());
    const Said said = ask({"nat", "show", "--limit", "2500"});
    EXPECT_EQ(std::count(said.out.begin(), said.out.end(), '\n'), 2501);
}

TEST_F(Client, NatLookupOfUntracked) {
    EXPECT_EQ(
        ask({"nat", "lookup", "192.0.2.10:51820/udp"}).out,
        R"(mapping  10.77.1.77:51820/udp <-> 192.0.2.10:51820   age 4h11m  idle 2s  expires 4m58s  worker 1
filter   endpoint-independent: any remote may send
remotes  not tracked (endpoint-independent)
)");
}

TEST_F(Client, NatLookupOfTracked) {
    EXPECT_EQ(
        ask({"nat", "lookup", "10.77.1.78:44312/tcp"}).out,
        R"(mapping  10.77.1.78:44312/tcp <-> 192.0.2.10:44312   age 4h11m  idle 2s  expires -  worker 1
filter   address-and-port-dependent: only endpoints that the inside has sent to may send
remotes  3, 2 shown
  198.51.100.5:443    established  idle 3s
  203.0.113.77:51000  closing      idle 1m05s
)");
}

TEST_F(Client, NatLookupOfNothing) {
    const Said none = ask({"nat", "lookup", "192.0.2.10:1"});
    EXPECT_EQ(none.exit_code, ExitCode::failed);
    EXPECT_EQ(none.out, "no mapping\n");
    EXPECT_EQ(ask({"nat", "lookup"}).exit_code, ExitCode::usage);
    EXPECT_EQ(ask({"nat", "lookup", "what"}).error,
              "towpath: endpoint must be ADDRESS:PORT, and protocol udp, tcp or icmp\n");
    EXPECT_EQ(ask({"nat", "lookup", "a&b=c"}).exit_code, ExitCode::usage);
}

TEST_F(Client, NatPorts) {
    EXPECT_EQ(ask({"nat", "ports"}).out,
              R"(ADDRESS     PROTO  IN USE    FREE  HELD  RESERVED  FAILURES
192.0.2.10  udp    18 204  41 772    12     4 536         0
192.0.2.10  tcp    50 211   9 765     0     4 536        31
)");
}

// Of a next hop that does not answer neither a MAC nor an age is known.
TEST_F(Client, Neighbours) {
    EXPECT_EQ(ask({"neighbours"}).out,
              R"(INTERFACE  ADDRESS     MAC                STATE      AGE
lan        10.77.1.11  02:00:00:00:00:11  reachable  12s
wan        192.0.2.1   -                  failed       -
)");
    const std::string shown = ask({"neighbours", "--json"}).out;
    EXPECT_NE(shown.find(R"("address":"192.0.2.1","mac":null,"state":"failed","age_s":null)"),
              std::string::npos)
        << shown;
    model_.neighbor_models.clear();
    EXPECT_EQ(ask({"neighbours"}).out, "no neighbours\n");
}

TEST_F(Client, Reload) {
    model_.reload_result.needs_restart.clear();
    const Said said = ask({"reload"});
    EXPECT_EQ(said.exit_code, ExitCode::ok);
    EXPECT_EQ(said.out, R"(~ nat.timeouts.udp  live
applied 1 of 1, generation 4
)");
}

TEST_F(Client, ReloadThatHeldSomethingBackNamesItAndIsExitCodeOne) {
    model_.reload_result.needs_restart.push_back({"nat.limits", false});
    const Said said = ask({"reload"});
    EXPECT_EQ(said.exit_code, ExitCode::failed);
    EXPECT_EQ(said.error,
              "towpath: not applied: interfaces.wan.driver, nat.limits; restart the data plane\n");
    EXPECT_EQ(said.out, R"(~ nat.timeouts.udp  live
! interfaces.wan.driver  needs a restart, held back
! nat.limits  needs a restart, held back
applied 1 of 3, generation 4
)");
}

TEST_F(Client, ReloadOfABrokenFileIsExitCodeTwoWithEveryError) {
    model_.reload_result = {};
    model_.reload_result.errors = {"t.yaml:3:1: error: one", "t.yaml:6:1: error: two"};
    const Said said = ask({"reload"});
    EXPECT_EQ(said.exit_code, ExitCode::usage);
    EXPECT_EQ(said.out,
              "t.yaml:3:1: error: one\nt.yaml:6:1: error: two\n"
              "refused: the running configuration is unchanged\n");
}

TEST_F(Client, JsonIsTheAnswerAsItIs) {
    const Said said = ask({"drops", "--json"});
    EXPECT_TRUE(said.out.starts_with(R"({"schema":1,"drops":[{"reason":"nat_port_exhausted")"))
        << said.out;
}

TEST_F(Client, MetricsAreWrittenWhole) {
    const std::filesystem::path file = folder_ / "page.prom";
    EXPECT_EQ(ask({"metrics", "--write", file.string()}).exit_code, ExitCode::ok);
    EXPECT_GT(std::filesystem::file_size(file), 1000U);
    EXPECT_FALSE(std::filesystem::exists(folder_ / "page.prom.new"));
    EXPECT_EQ(ask({"metrics", "--write", "/nonexistent/page"}).exit_code, ExitCode::failed);
}

TEST_F(Client, VersionOfAll) {
    EXPECT_EQ(ask({"version"}).out, "towpath     " + std::string{contract::kBuild} +
                                        "\ncontrol     0.1.0\ndata plane  0.1.0\n");
}

TEST(ClientAlone, NobodyThereIsExitCodeThree) {
    const Said said = client({"status", "--run-dir", "/nonexistent"});
    EXPECT_EQ(said.exit_code, ExitCode::unreachable);
    EXPECT_EQ(said.error,
              "towpath: towpath-control is not reachable on /nonexistent/api.sock: No such file or "
              "directory\n");
    EXPECT_EQ(client({"--version", "--run-dir", "/nonexistent"}).out,
              client({"version", "--run-dir", "/nonexistent"}).out);
    EXPECT_EQ(client({"version", "--run-dir", "/nonexistent"}).out,
              "towpath     " + std::string{contract::kBuild} +
                  "\ncontrol     not running\ndata plane  not running\n");
}

TEST(ClientAlone, WrongCommandLinesAreExitCodeTwo) {
    EXPECT_EQ(client({}).exit_code, ExitCode::usage);
    EXPECT_EQ(client({"stauts"}).error,
              "towpath: there is no command 'stauts'; did you mean 'status'?\n");
    EXPECT_EQ(client({"nat", "lokup"}).error,
              "towpath: there is no command 'nat lokup'; did you mean 'nat lookup'?\n");
    EXPECT_EQ(client({"nat"}).error, "towpath: 'nat' is followed by show | lookup | ports\n");
    EXPECT_EQ(client({"status", "now"}).error, "towpath: 'status' does not take 'now'\n");
    EXPECT_EQ(client({"status", "--wrong"}).exit_code, ExitCode::usage);
    EXPECT_EQ(client({"status", "--watch=0"}).error, "--watch takes 0.1 to 3600 seconds");
    EXPECT_EQ(client({"nat", "show", "--limit", "0"}).exit_code, ExitCode::usage);
}

TEST(ClientAlone, WatchTakesSecondsOrNothing) {
    EXPECT_EQ(cli::parse_arguments({"--watch", "2", "status"})->watch_s, 2.0);
    const auto plain = cli::parse_arguments({"--watch", "status"});
    EXPECT_EQ(plain->watch_s, 1.0);
    EXPECT_EQ(plain->words, std::vector<std::string>{"status"});
    EXPECT_EQ(cli::parse_arguments({"status"})->watch_s, std::nullopt);
}

TEST(ClientAlone, CheckNeedsNoDaemon) {
    EXPECT_EQ(client({"check", "/nonexistent.yaml"}).exit_code, ExitCode::usage);
    EXPECT_EQ(client({"check", "/nonexistent.yaml"}).out,
              "/nonexistent.yaml: error: cannot be opened: No such file or directory\n"
              "1 error, 0 warnings\n");
}

}  // namespace
}  // namespace towpath::control
