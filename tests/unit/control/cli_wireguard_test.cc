// SPDX-License-Identifier: BSD-3-Clause
// WireGuard as an operator sees it: screens word for word, the dump byte for byte, the API's shapes
// and who may read keys.
#include <boost/json/parse.hpp>
#include <filesystem>
#include <fstream>

#include "config/tunnel_scalar.h"
#include "control/api/routes.h"
#include "control/cli/text.h"
#include "dataplane/crypto/curve.h"
#include "tests/builders/example_tunnels.h"
#include "tests/unit/control/said_client.h"
#include "tests/unit/control/served_api.h"

namespace towpath::control {
namespace {

namespace json = boost::json;
using namespace tests;

class WireguardClient : public ServedApi {
protected:
    void SetUp() override {
        ServedApi::SetUp();
        fill_with_tunnels(model_);
    }
    [[nodiscard]] Said ask(std::vector<std::string> words, To where = To::pipe) const {
        words.insert(words.begin(), {"--run-dir", folder_.string()});
        return client(std::move(words), where);
    }
    // A wg-quick file in the server's folder.
    [[nodiscard]] std::string quick_file(const std::string& text) const {
        const std::filesystem::path path = folder_ / "quick.conf";
        std::ofstream{path} << text;
        return path.string();
    }
};

// The peer with the latest handshake first, as wireguard-tools sort them.
TEST_F(WireguardClient, ShowHasTheWordsOfWg) {
    const Said said = ask({"wg", "show"});
    EXPECT_EQ(said.exit_code, ExitCode::ok);
    EXPECT_EQ(said.out,
              "interface: wg0\n"
              "  public key: " +
                  kServerKey +
                  "\n"
                  "  private key: (hidden)\n"
                  "  listening port: 51820\n"
                  "\n"
                  "peer: " +
                  kLaptopKey +
                  "\n"
                  "  preshared key: (hidden)\n"
                  "  endpoint: 198.51.100.23:41641\n"
                  "  allowed ips: 10.99.0.2/32, 2001:db8:99::2/128\n"
                  "  latest handshake: 1 minute, 3 seconds ago\n"
                  "  transfer: 1.20 GiB received, 980 B sent\n"
                  "  persistent keepalive: every 25 seconds\n"
                  "\n"
                  "peer: " +
                  kPhoneKey +
                  "\n"
                  "  allowed ips: (none)\n"
                  "\n"
                  "interface: wg1\n"
                  "  listening port: 51821\n"
                  "\n"
                  "peer: " +
                  kRouterKey +
                  "\n"
                  "  endpoint: [2001:db8::7]:51820\n"
                  "  allowed ips: (none)\n");
    EXPECT_EQ(ask({"wg", "show", "all"}).out, said.out);
}

TEST_F(WireguardClient, ShowOfOneTunnelHasNothingOfOthers) {
    const Said said = ask({"wg", "show", "wg1"});
    EXPECT_EQ(said.out.find("wg0"), std::string::npos) << said.out;
    EXPECT_NE(said.out.find(kRouterKey), std::string::npos) << said.out;
    EXPECT_EQ(said.out.find(kLaptopKey), std::string::npos) << said.out;
    const Said none = ask({"wg", "show", "wg9"});
    EXPECT_EQ(none.exit_code, ExitCode::failed);
    EXPECT_EQ(none.error, "towpath: there is no tunnel 'wg9'\n");
    EXPECT_EQ(ask({"wg", "show", "wg1", "everything"}).exit_code, ExitCode::usage);
    EXPECT_EQ(ask({"wg", "show", "wg1", "dump", "more"}).exit_code, ExitCode::usage);
}

TEST_F(WireguardClient, DumpIsTabSeparatedAndCarriesTheKeys) {
    const std::string tunnel = kPrivateKey + "\t" + kServerKey + "\t51820\toff\n";
    const std::string phone = kPhoneKey + "\t(none)\t(none)\t(none)\t0\t0\t0\toff\n";
    const std::string laptop = kLaptopKey + "\t" + kPresharedKey +
                               "\t198.51.100.23:41641\t10.99.0.2/32,2001:db8:99::2/128\t"
                               "1795282422\t1288490189\t980\t25\n";
    EXPECT_EQ(ask({"wg", "show", "wg0", "dump"}).out, tunnel + phone + laptop);
    EXPECT_EQ(ask({"wg", "show", "all", "dump"}).out,
              "wg0\t" + tunnel + "wg0\t" + phone + "wg0\t" + laptop +
                  "wg1\t(none)\t(none)\t51821\toff\n"
                  "wg1\t" +
                  kRouterKey + "\t(none)\t[2001:db8::7]:51820\t(none)\t0\t0\t0\toff\n");
}

TEST_F(WireguardClient, PeersSayWhyTheyAreNotUpAndWhoElseCalls) {
    EXPECT_EQ(
        ask({"peers"}).out,
        "NAME           TUNNEL  STATE        ENDPOINT             HANDSHAKE        RX     TX\n"
        "UGhvbmVQaG...  wg0     no_endpoint  -                            -       0 B    0 B"
        "  why: no endpoint is configured and it has not called\n"
        "laptop-ana     wg0     up           198.51.100.23:41641      1m03s  1.20 GiB  980 B\n"
        "Um91dGVyUm...  wg1     waiting      [2001:db8::7]:51820          -       0 B    0 B"
        "  why: waits for an answer, try 3 of 20\n"
        "note  wg0: 203.0.113.9:51820 calls with a key that no peer has, " +
            kRouterKey + " (1 200 times, last 12s ago)\n");
    model_.tunnel_models[0].strangers[0].count = 1;
    EXPECT_TRUE(ask({"peers"}).out.ends_with(" (once, 12s ago)\n"));
    model_.peer_models.clear();
    model_.tunnel_models.clear();
    EXPECT_EQ(ask({"peers"}).out, "no peers\n");
}

TEST_F(WireguardClient, WithoutADataPlaneNobodyKnowsThePeers) {
    model_.is_disconnected = true;
    EXPECT_EQ(ask({"peers"}).exit_code, ExitCode::unreachable);
    EXPECT_EQ(ask({"wg", "show"}).exit_code, ExitCode::unreachable);
}

TEST_F(WireguardClient, StatusHasALinePerTunnel) {
    const std::string out = ask({"status"}).out;
    EXPECT_NE(out.find("wg0      wireguard  port 51820  10.99.0.1/24  peers 1 up of 2  mtu 1420\n"),
              std::string::npos)
        << out;
}

TEST_F(WireguardClient, PeersComeInPagesWithTheirSchema) {
    const json::value first = json::parse(body_of(get("/v1/wireguard/peers")));
    EXPECT_EQ(first.at_pointer("/schema"), 1);
    EXPECT_EQ(first.at("peers").as_array().size(), 2U);
    EXPECT_EQ(first.at_pointer("/peers/1/latest_handshake_s"), 1'795'282'422);
    EXPECT_EQ(first.at_pointer("/next_cursor"), 2);
    const json::value last = json::parse(body_of(get("/v1/wireguard/peers?cursor=2")));
    EXPECT_EQ(last.at_pointer("/peers/0/state"), "waiting");
    EXPECT_EQ(last.at_pointer("/next_cursor"), 0);
    EXPECT_TRUE(get("/v1/wireguard/peers?cursor=x").starts_with("HTTP/1.1 400 "));
    const json::value tunnels = json::parse(body_of(get("/v1/wireguard/tunnels")));
    EXPECT_EQ(tunnels.at_pointer("/tunnels/0/handshakes/1/result"), "completed");
    EXPECT_EQ(tunnels.at_pointer("/tunnels/0/strangers/0/count"), 1200);
    EXPECT_EQ(tunnels.at_pointer("/tunnels/0/strangers/0/age_s"), 12);
}

TEST_F(WireguardClient, OnlyTheDumpCarriesKeys) {
    for (const char* const path : {"/v1/status", "/v1/wireguard/tunnels", "/v1/wireguard/peers"}) {
        const std::string said = get(path);
        EXPECT_EQ(said.find(kPrivateKey), std::string::npos) << path;
        EXPECT_EQ(said.find(kPresharedKey), std::string::npos) << path;
    }
    EXPECT_NE(get("/v1/wireguard/keys").find(kPrivateKey), std::string::npos);
}

TEST_F(WireguardClient, KeysAreForRootOnly) {
    api::Request request{"GET", "/v1/wireguard/keys", {}, {}, false};
    api::Response said;
    const auto keep = [&said](api::Response response) { said = std::move(response); };
    api::answer(model_, request, keep);
    EXPECT_EQ(said.status, 403U);
    EXPECT_EQ(said.body.find(kPrivateKey), std::string::npos);
    request.is_owner = true;
    api::answer(model_, request, keep);
    EXPECT_EQ(said.status, 200U);
    EXPECT_NE(said.body.find(kPrivateKey), std::string::npos);
    // Nor does the TCP address of the metrics have the path at all.
    api::answer_metrics(model_, request, keep);
    EXPECT_EQ(said.status, 404U);
}

TEST_F(WireguardClient, ExportHasNoSecretsUnlessAskedFor) {
    const std::string peers = "\n[Peer]\nPublicKey = " + kPhoneKey +
                              "\n"
                              "\n[Peer]\n# laptop-ana\nPublicKey = " +
                              kLaptopKey + "\n";
    const std::string rest =
        "AllowedIPs = 10.99.0.2/32, 2001:db8:99::2/128\nEndpoint = 198.51.100.23:41641\n"
        "PersistentKeepalive = 25\n";
    const std::string interface = "ListenPort = 51820\nAddress = 10.99.0.1/24\n";
    EXPECT_EQ(ask({"wg", "export", "wg0"}).out,
              "[Interface]\n# PrivateKey is left out: --with-private-key writes it\n" + interface +
                  peers + "# PresharedKey is left out\n" + rest);
    const Said whole = ask({"wg", "export", "wg0", "--with-private-key"});
    EXPECT_EQ(whole.out, "[Interface]\nPrivateKey = " + kPrivateKey + "\n" + interface + peers +
                             "PresharedKey = " + kPresharedKey + "\n" + rest);
    EXPECT_EQ(ask({"wg", "export"}).exit_code, ExitCode::usage);
    EXPECT_EQ(ask({"wg", "export", "wg9"}).exit_code, ExitCode::failed);
}

TEST_F(WireguardClient, ExportWritesNoPrivateKeyWhereOthersSeeIt) {
    for (const To where : {To::terminal, To::public_file}) {
        const Said refused = ask({"wg", "export", "wg0", "--with-private-key"}, where);
        EXPECT_EQ(refused.exit_code, ExitCode::refused);
        EXPECT_EQ(refused.out, "");
        EXPECT_NE(refused.error.find("--force"), std::string::npos) << refused.error;
        EXPECT_EQ(ask({"wg", "export", "wg0"}, where).exit_code, ExitCode::ok) << "no key in it";
        const Said forced = ask({"wg", "export", "wg0", "--with-private-key", "--force"}, where);
        EXPECT_NE(forced.out.find(kPrivateKey), std::string::npos) << forced.error;
    }
}

const std::string kPhoneFile = "[Interface]\nPrivateKey = " + kPrivateKey +
                               "\nAddress = 10.99.0.3/24\n[Peer]\nPublicKey = " + kServerKey +
                               "\nEndpoint = 192.0.2.10:51820\nAllowedIPs = 0.0.0.0/0\n";

std::string public_key_of(const std::string& private_key) {
    return config::to_base64(
        crypto::public_key_of(crypto::PrivateKey{*config::parse_key(private_key)}));
}

TEST_F(WireguardClient, QrOfTheGatewaysOwnKeyIsRefused) {
    const std::string file = quick_file(kPhoneFile);
    EXPECT_EQ(ask({"wg", "qr", file}).exit_code, ExitCode::ok);
    model_.tunnel_models[0].public_key = public_key_of(kPrivateKey);
    const Said refused = ask({"wg", "qr", file});
    EXPECT_EQ(refused.exit_code, ExitCode::refused);
    EXPECT_EQ(refused.out, "");
    EXPECT_EQ(refused.error, "towpath: " + file +
                                 " has the private key of this gateway's tunnel wg0. A phone needs "
                                 "a file and a key of its own; --force shows this one\n");
    EXPECT_EQ(ask({"wg", "qr", file, "--force"}).exit_code, ExitCode::ok);
}

// Nothing runs: the file itself tells.
TEST_F(WireguardClient, QrOfAFileThatIsLikeAGatewaysIsRefused) {
    const std::string listens = quick_file(kPhoneFile + "[Interface]\nListenPort = 51820\n");
    const Said one = client({"wg", "qr", listens});
    EXPECT_EQ(one.exit_code, ExitCode::refused);
    EXPECT_NE(one.error.find(" has a ListenPort"), std::string::npos) << one.error;
    const std::string is_called = quick_file("[Interface]\nPrivateKey = " + kPrivateKey +
                                             "\n[Peer]\nPublicKey = " + kPhoneKey + "\n");
    const Said other = client({"wg", "qr", is_called});
    EXPECT_EQ(other.exit_code, ExitCode::refused);
    EXPECT_NE(other.error.find(" has no peer with an Endpoint"), std::string::npos) << other.error;
    EXPECT_EQ(client({"wg", "qr", is_called, "--force"}).exit_code, ExitCode::ok);
}

TEST_F(WireguardClient, RekeyIsForAllAndSaysSo) {
    EXPECT_EQ(ask({"wg", "rekey"}).exit_code, ExitCode::usage);
    EXPECT_EQ(model_.rekeys, 0);
    model_.rekeyed = {1200, 0};
    const Said all = ask({"wg", "rekey", "--all"});
    EXPECT_EQ(all.exit_code, ExitCode::ok);
    EXPECT_EQ(all.out, "1 200 peers were asked for a new handshake\n");
    EXPECT_EQ(model_.rekeys, 1);
    model_.rekeyed = {1, 2};
    EXPECT_EQ(ask({"wg", "rekey", "--all"}).out,
              "1 peer was asked for a new handshake; of 2 others no endpoint is known\n");
}

TEST_F(WireguardClient, ForgetTimestampNamesAPeer) {
    EXPECT_EQ(ask({"wg", "forget-timestamp"}).exit_code, ExitCode::usage);
    const Said unknown = ask({"wg", "forget-timestamp", kServerKey});
    EXPECT_EQ(unknown.exit_code, ExitCode::failed);
    EXPECT_EQ(unknown.error, "towpath: no peer is called '" + kServerKey + "'\n");
    EXPECT_EQ(ask({"wg", "forget-timestamp", kPhoneKey}).exit_code, ExitCode::ok);
    EXPECT_EQ(model_.forgotten_key, kPhoneKey);
    EXPECT_EQ(ask({"wg", "forget-timestamp", "laptop-ana"}).exit_code, ExitCode::ok);
    EXPECT_NE(model_.forgotten_key, kPhoneKey);
}

TEST_F(WireguardClient, MetricsHaveSumsPerTunnelAndPeersOnlyIfWanted) {
    model_.tunnel_models[1].handshakes = {{"initiator", "sent", 2}};
    std::string page = body_of(get("/metrics"));
    for (const std::string_view line : {
             "towpath_handshakes_total{role=\"initiator\",result=\"sent\"} 11\n",
             "towpath_handshakes_total{role=\"responder\",result=\"completed\"} 7\n",
             "towpath_tunnel_peers{tunnel=\"wg0\"} 2\n",
             "towpath_tunnel_peers_up{tunnel=\"wg0\"} 1\n",
             "towpath_tunnel_receive_bytes_total{tunnel=\"wg0\"} 1288490189\n",
             "towpath_tunnel_transmit_bytes_total{tunnel=\"wg1\"} 0\n",
         }) {
        EXPECT_NE(page.find(line), std::string::npos) << line << page;
    }
    EXPECT_EQ(page.find("towpath_peer_"), std::string::npos);
    model_.has_peer_metrics = true;
    page = body_of(get("/metrics"));
    const std::string labels =
        "{tunnel=\"wg0\",public_key=\"" + kLaptopKey + "\",name=\"laptop-ana\"} ";
    EXPECT_NE(page.find("towpath_peer_up" + labels + "1\n"), std::string::npos) << page;
    EXPECT_NE(page.find("towpath_peer_receive_bytes_total" + labels + "1288490189\n"),
              std::string::npos)
        << page;
    EXPECT_NE(page.find("towpath_peer_latest_handshake_timestamp_seconds" + labels + "1795282422"),
              std::string::npos)
        << page;
    // A data plane that is not there has no bytes; zeros would look like a restart.
    model_.is_disconnected = true;
    page = body_of(get("/metrics"));
    EXPECT_EQ(page.find("towpath_tunnel_receive_bytes_total{"), std::string::npos) << page;
    EXPECT_NE(page.find("towpath_tunnel_peers{tunnel=\"wg0\"} 2\n"), std::string::npos) << page;
}

TEST(WireguardText, QrTakesOnlyFilesThatAPhoneWouldTake) {
    EXPECT_EQ(client({"wg", "qr"}).exit_code, ExitCode::usage);
    EXPECT_EQ(client({"wg", "qr", "/nonexistent"}).exit_code, ExitCode::usage);
    const std::filesystem::path file = std::filesystem::temp_directory_path() /
                                       ("towpath-qr-" + std::to_string(::getpid()) + ".conf");
    std::ofstream{file} << kPhoneFile;
    const Said good = client({"wg", "qr", file.string()});
    EXPECT_EQ(good.exit_code, ExitCode::ok) << good.error;
    // A quiet zone of four: two lines of nothing but light, then the finder patterns' upper edge.
    EXPECT_TRUE(good.out.starts_with("\u2588\u2588\u2588\u2588\u2588")) << good.out;
    const std::size_t line = good.out.find('\n') + 1;
    EXPECT_EQ(good.out.substr(0, line), good.out.substr(line, line));
    EXPECT_NE(good.out.substr(2 * line, line), good.out.substr(0, line));
    std::ofstream{file} << "[Interface]\nPrivateKey = short\n";
    const Said bad = client({"wg", "qr", file.string()});
    EXPECT_EQ(bad.exit_code, ExitCode::usage);
    EXPECT_EQ(bad.error.find("short"), std::string::npos) << "never a key: " << bad.error;
    std::filesystem::remove(file);
}

TEST(WireguardText, BytesAndTimesAreThoseOfWg) {
    EXPECT_EQ(cli::binary_bytes(0), "0 B");
    EXPECT_EQ(cli::binary_bytes(1023), "1023 B");
    EXPECT_EQ(cli::binary_bytes(1024), "1.00 KiB");
    EXPECT_EQ(cli::binary_bytes(1'572'864), "1.50 MiB");
    EXPECT_EQ(cli::binary_bytes(5'497'558'138'880), "5.00 TiB");
    EXPECT_EQ(cli::long_ago(0), "Now");
    EXPECT_EQ(cli::long_ago(1), "1 second ago");
    EXPECT_EQ(cli::long_ago(7322), "2 hours, 2 minutes, 2 seconds ago");
    EXPECT_EQ(cli::long_ago(31'536'000 + 86'400), "1 year, 1 day ago");
}

}  // namespace
}  // namespace towpath::control
