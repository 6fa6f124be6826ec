// SPDX-License-Identifier: BSD-3-Clause
// The API over a real Unix socket: shapes, wrong questions, limits at and past.
#include <sys/stat.h>

#include <boost/json/parse.hpp>
#include <set>

#include "control/api/metrics.h"
#include "tests/unit/control/served_api.h"

namespace towpath::control {
namespace {

namespace json = boost::json;

std::string status_line(const std::string& said) {
    return said.substr(0, said.find("\r\n"));
}

TEST_F(ServedApi, StatusHasItsSchemaAndItsValues) {
    const json::value status = json::parse(body_of(get("/v1/status")));
    EXPECT_EQ(status.at_pointer("/schema"), 1);
    EXPECT_EQ(status.at_pointer("/dataplane/state"), "forwarding");
    EXPECT_EQ(status.at_pointer("/mappings/udp"), 18'204);
    EXPECT_EQ(status.at_pointer("/interfaces/1/addresses/0"), "192.0.2.10/24");
    EXPECT_EQ(status.at_pointer("/totals/checksum_completed"), 5);
    EXPECT_EQ(status.at_pointer("/totals/icmp_errors_over_rate"), 2488);
    EXPECT_EQ(status.at_pointer("/totals/icmp_errors_repeated"), 13);
    EXPECT_EQ(status.at_pointer("/nat_port_exhausted_per_s"), 3.5);
}

TEST_F(ServedApi, DropsAreOneListWithReasonAndTotal) {
    const json::value drops = json::parse(body_of(get("/v1/drops")));
    EXPECT_EQ(drops.at_pointer("/drops/0/reason"), "nat_port_exhausted");
    EXPECT_EQ(drops.at_pointer("/drops/0/total"), 212);
}

TEST_F(ServedApi, LookupFindsByEitherEndpoint) {
    for (const std::string_view endpoint : {"10.77.1.77:51820", "192.0.2.10%3A51820"}) {
        const json::value found = json::parse(
            body_of(get("/v1/nat/lookup?protocol=udp&endpoint=" + std::string{endpoint})));
        EXPECT_EQ(found.at_pointer("/mapping/inside"), "10.77.1.77:51820") << endpoint;
    }
    const json::value none = json::parse(body_of(get("/v1/nat/lookup?endpoint=192.0.2.10:1")));
    EXPECT_TRUE(none.at_pointer("/mapping").is_null());
}

// N5.
TEST_F(ServedApi, LookupListsRemotesWhereSessionsExist) {
    model_.mappings[1].remotes.push_back(
        {{*parse_ipv4_address("198.51.100.9"), Port{}}, "permitted", 1});
    const json::value found =
        json::parse(body_of(get("/v1/nat/lookup?protocol=tcp&endpoint=10.77.1.78:44312")));
    EXPECT_EQ(found.at_pointer("/mapping/sessions"), 3);
    EXPECT_EQ(found.at_pointer("/mapping/remotes/0/remote"), "198.51.100.5:443");
    EXPECT_EQ(found.at_pointer("/mapping/remotes/0/state"), "established");
    EXPECT_EQ(found.at_pointer("/mapping/remotes/1/idle_s"), 65);
    EXPECT_EQ(found.at_pointer("/mapping/remotes/2/remote"), "198.51.100.9");
    const json::value untracked =
        json::parse(body_of(get("/v1/nat/lookup?protocol=udp&endpoint=10.77.1.77:51820")));
    EXPECT_FALSE(untracked.at("mapping").as_object().contains("remotes"));
}

TEST_F(ServedApi, MappingsComeInPagesThatMissNothing) {
    model_.mappings.assign(7, model_.mappings.front());
    for (std::size_t index = 0; index < model_.mappings.size(); ++index) {
        model_.mappings[index].outside.port = Port{static_cast<std::uint16_t>(2000 + index)};
    }
    std::set<std::string> seen;
    std::int64_t cursor = 0;
    int pages = 0;
    do {
        const json::value page =
            json::parse(body_of(get("/v1/nat/mappings?limit=3&cursor=" + std::to_string(cursor))));
        for (const json::value& mapping : page.at("mappings").as_array()) {
            seen.insert(std::string{mapping.at("outside").as_string().c_str()});
        }
        cursor = page.at("next_cursor").to_number<std::int64_t>();
        ++pages;
    } while (cursor != 0 && pages < 10);
    EXPECT_EQ(seen.size(), 7U);
    EXPECT_EQ(pages, 3);
}

TEST_F(ServedApi, WrongQuestionsAreToldSo) {
    EXPECT_EQ(status_line(get("/v1/nothing")), "HTTP/1.1 404 Not Found");
    EXPECT_EQ(status_line(get("/v1/reload")), "HTTP/1.1 405 Method Not Allowed");
    EXPECT_EQ(status_line(get("/v1/%zz")), "HTTP/1.1 400 Bad Request");
    EXPECT_EQ(status_line(get("/v1/nat/lookup?endpoint=nonsense")), "HTTP/1.1 400 Bad Request");
    EXPECT_EQ(status_line(get("/v1/nat/lookup?endpoint=10.77.1.1:1&protocol=sctp")),
              "HTTP/1.1 400 Bad Request");
    EXPECT_EQ(status_line(get("/v1/nat/mappings?limit=1024")), "HTTP/1.1 200 OK");
    EXPECT_EQ(status_line(get("/v1/nat/mappings?limit=1025")), "HTTP/1.1 400 Bad Request");
    EXPECT_EQ(status_line(get("/v1/nat/mappings?limit=0")), "HTTP/1.1 400 Bad Request");
    EXPECT_EQ(status_line(said_to("\x16\x03\x01\x02 not http at all\r\n\r\n")),
              "HTTP/1.1 400 Bad Request");
}

TEST_F(ServedApi, WithoutADataPlaneTheAnswerIs503WithTheReason) {
    model_.is_disconnected = true;
    for (const std::string path : {"/v1/nat/ports", "/v1/neighbours"}) {
        const std::string said = get(path);
        EXPECT_EQ(status_line(said), "HTTP/1.1 503 Service Unavailable");
        EXPECT_EQ(json::parse(body_of(said)).at("error"), "the data plane is not connected");
    }
}

std::string check_request(std::size_t body_bytes) {
    return "POST /v1/check HTTP/1.1\r\nHost: t\r\nConnection: close\r\nContent-Length: " +
           std::to_string(body_bytes) + "\r\n\r\n" + std::string(body_bytes, 'x');
}

TEST_F(ServedApi, BodiesAreTakenUpToTheLimitAndRefusedPastIt) {
    EXPECT_EQ(status_line(said_to(check_request(api::kBodyBytesMax))), "HTTP/1.1 200 OK");
    EXPECT_EQ(model_.checked_text.size(), api::kBodyBytesMax);
    EXPECT_EQ(status_line(said_to(check_request(api::kBodyBytesMax + 1))),
              "HTTP/1.1 413 Payload Too Large");
    EXPECT_EQ(status_line(said_to(check_request(10'000'000))), "HTTP/1.1 413 Payload Too Large");
}

TEST_F(ServedApi, HeadersPastTheLimitAreRefused) {
    EXPECT_EQ(status_line(said_to("GET /v1/version HTTP/1.1\r\nConnection: close\r\nX: " +
                                  std::string(4000, 'x') + "\r\n\r\n")),
              "HTTP/1.1 200 OK");
    EXPECT_EQ(status_line(
                  said_to("GET /v1/version HTTP/1.1\r\nX: " + std::string(9000, 'x') + "\r\n\r\n")),
              "HTTP/1.1 431 Request Header Fields Too Large");
}

TEST_F(ServedApi, RefusedConfigurationIsAnAnswer) {
    model_.check_result = {false, {"towpath.yaml:3:1: error: unknown key 'natt'"}, {}};
    const std::string said = said_to(check_request(1));
    EXPECT_EQ(status_line(said), "HTTP/1.1 422 Unprocessable Entity");
    EXPECT_EQ(json::parse(body_of(said)).at_pointer("/errors/0"),
              "towpath.yaml:3:1: error: unknown key 'natt'");
}

TEST_F(ServedApi, OneConnectionAsksSeveralTimes) {
    const std::string one = "GET /v1/version HTTP/1.1\r\nHost: t\r\n\r\n";
    const std::string said = said_to(one + one);
    EXPECT_NE(said.find("HTTP/1.1 200 OK", 10), std::string::npos);
}

TEST_F(ServedApi, ThirtyTwoConnectionsAreServedAndTheNextIsToldSo) {
    std::vector<int> open;
    for (std::size_t index = 0; index < api::kConnectionsMax; ++index) {
        const int client = connected();
        ASSERT_GE(client, 0);
        // Answered, so it is known to be accepted; kept open.
        const std::string_view request = "GET /v1/version HTTP/1.1\r\nHost: t\r\n\r\n";
        ASSERT_GT(::send(client, request.data(), request.size(), MSG_NOSIGNAL), 0);
        char first = 0;
        ASSERT_EQ(::recv(client, &first, 1, 0), 1);
        open.push_back(client);
    }
    EXPECT_EQ(status_line(get("/v1/version")), "HTTP/1.1 503 Service Unavailable");
    for (const int client : open) {
        ::close(client);
    }
}

TEST_F(ServedApi, SocketIsForRootAndItsGroup) {
    struct stat status {};
    ASSERT_EQ(::stat(socket_path_.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, 0660U);
}

TEST_F(ServedApi, ASecondServerOnTheSameSocketIsRefusedAndAStaleSocketIsReplaced) {
    boost::asio::io_context loop;
    const auto second = api::ApiServer::start(loop, model_, {socket_path_, {}});
    ASSERT_FALSE(second.has_value());
    EXPECT_EQ(second.error().exit_code, ExitCode::address_in_use);
    EXPECT_EQ(second.error().sentence, "unix:" + socket_path_.string() + " is already in use");

    const std::filesystem::path stale = folder_ / "stale.sock";
    const int dead = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    stale.string().copy(address.sun_path, sizeof(address.sun_path) - 1);
    ASSERT_EQ(::bind(dead, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
    ::close(dead);
    EXPECT_TRUE(api::ApiServer::start(loop, model_, {stale, {}}).has_value());
    // It goes with its server.
    EXPECT_FALSE(std::filesystem::exists(stale));
}

TEST_F(ServedApi, MetricsAddressInUseIsNamed) {
    boost::asio::io_context loop;
    const Endpoint taken{*parse_ipv4_address("127.0.0.1"), Port{server_->metrics()->port()}};
    const auto second = api::ApiServer::start(loop, model_, {folder_ / "other.sock", taken});
    ASSERT_FALSE(second.has_value());
    EXPECT_EQ(second.error().exit_code, ExitCode::address_in_use);
    EXPECT_EQ(second.error().sentence, to_string(taken) + " is already in use");
}

TEST_F(ServedApi, MetricsCountTheEventStreamAndItsLog) {
    model_.status_model.events_lost = 9;
    model_.totals_model.mappings_created = 70;
    model_.totals_model.mappings_deleted = 50;
    model_.totals_model.log_written = 110;
    model_.totals_model.log_dropped = 10;
    const std::string page = body_of(get("/metrics"));
    for (const std::string_view line : {
             "towpath_nat_events_lost_total 9\n",
             "towpath_nat_mapping_events_total{event=\"created\"} 70\n",
             "towpath_nat_mapping_events_total{event=\"ended\"} 50\n",
             "towpath_nat_log_records_total{result=\"written\"} 110\n",
             "towpath_nat_log_records_total{result=\"dropped\"} 10\n",
         }) {
        EXPECT_NE(page.find(line), std::string::npos) << line << page;
    }
}

TEST_F(ServedApi, MetricsCarryTheNamesOfTheReference) {
    const std::string page = body_of(get("/metrics"));
    for (const std::string_view line : {
             "towpath_up 1\n",
             "towpath_nat_mappings{protocol=\"udp\"} 18204\n",
             "towpath_nat_session_limit 262144\n",
             "towpath_dropped_packets_total{reason=\"nat_port_exhausted\"} 212\n",
             "towpath_icmp_errors_suppressed_total{reason=\"rate\"} 2488\n",
             "towpath_icmp_errors_suppressed_total{reason=\"repeated\"} 13\n",
             "towpath_interface_receive_packets_total{interface=\"lan\"} 1204991\n",
             "towpath_interface_up{interface=\"wan\"} 0\n",
             "towpath_mempool_buffers{state=\"in_use\"} 110\n",
             ("towpath_nat_ports{external_address=\"192.0.2.10\",protocol=\"tcp\",state=\"free\"} "
              "9765\n"),
             ("towpath_nat_port_allocation_failures_total{external_address=\"192.0.2.10\","
              "protocol=\"tcp\"} 31\n"),
             "# TYPE towpath_dropped_packets_total counter\n",
         }) {
        EXPECT_NE(page.find(line), std::string::npos) << line << page;
    }
}

TEST_F(ServedApi, ADataPlaneThatHangsIsNotUp) {
    model_.status_model.dataplane = DataplaneLink::not_answering;
    model_.status_model.dataplane_silent_s = 9;
    const json::value status = json::parse(body_of(get("/v1/status")));
    EXPECT_EQ(status.at_pointer("/dataplane/state"), "not answering");
    EXPECT_EQ(status.at_pointer("/dataplane/silent_s"), 9);
    const std::string page = body_of(get("/metrics"));
    EXPECT_NE(page.find("towpath_up 0\n"), std::string::npos) << page;
}

TEST_F(ServedApi, CountersOfInterfacesThatNobodyReportsAreAbsent) {
    model_.interface_models[1].is_reported = false;
    const std::string page = body_of(get("/metrics"));
    EXPECT_NE(page.find("towpath_interface_up{interface=\"wan\"} 0\n"), std::string::npos) << page;
    EXPECT_NE(page.find("receive_packets_total{interface=\"lan\"}"), std::string::npos) << page;
    EXPECT_EQ(page.find("receive_packets_total{interface=\"wan\"}"), std::string::npos) << page;
}

TEST_F(ServedApi, MetricsAreServedWithoutADataPlane) {
    model_.is_disconnected = true;
    model_.status_model.dataplane = DataplaneLink::disconnected;
    const std::string page = body_of(get("/metrics"));
    EXPECT_NE(page.find("towpath_up 0\n"), std::string::npos) << page;
    EXPECT_EQ(page.find("towpath_nat_ports{"), std::string::npos) << page;
}

}  // namespace
}  // namespace towpath::control
