// SPDX-License-Identifier: BSD-3-Clause
// Brings together what control does: the conversation with the data plane, what it last said about
// itself, the configuration file, and the API's questions. Carries out the conversation's actions;
// decides nothing about the contract itself.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "config/config.h"
#include "control/api_model.h"
#include "control/loop/contract_client.h"
#include "control/loop/kernel_random.h"
#include "control/loop/memory_return.h"
#include "control/loop/name_resolver.h"
#include "control/loop/nat_log.h"
#include "control/observe/link_watch.h"
#include "control/observe/next_hop_watch.h"
#include "control/observe/pulse.h"
#include "control/observe/snapshot.h"
#include "control/reconcile/conversation.h"
#include "control/tunnels/kept_timestamp.h"
#include "control/tunnels/tunnels.h"
#include "control/uapi/protocol.h"
#include "control/uapi/server.h"
#include "dataplane/contract/framing.h"

namespace towpath::control {

struct ControllerRequest {
    std::string config_file;
    std::string contract_socket;
    std::string instance;
    std::string tool_folder = uapi::kToolFolder;
    std::string state_directory{kStateDirectoryDefault};
};

class Controller final : public ApiModel {
public:
    // `config` is what `config_file` held at start, already valid.
    Controller(boost::asio::io_context& loop, ControllerRequest request, config::Config config);

    void start();
    void stop();
    // What there is, for the log of the stop.
    [[nodiscard]] std::string stopped_line() const;

    [[nodiscard]] StatusModel status() const override;
    [[nodiscard]] std::vector<InterfaceModel> interfaces() const override;
    [[nodiscard]] std::vector<DropModel> drops() const override { return snapshot_.drops(); }
    [[nodiscard]] RoutesModel routes(const std::optional<IpAddress>& towards,
                                     std::size_t limit) const override;
    [[nodiscard]] std::vector<StageModel> stages() const override { return snapshot_.stages(); }
    [[nodiscard]] TotalsModel totals() const override;
    void nat_lookup(const Endpoint& endpoint, Protocol protocol,
                    Reply<std::optional<MappingModel>> reply) override;
    void nat_list(std::uint64_t cursor, std::uint32_t limit, Reply<MappingPage> reply) override;
    void port_usage(Reply<std::vector<PortUsageModel>> reply) override;
    void neighbors(Reply<std::vector<NeighborModel>> reply) override;
    [[nodiscard]] std::vector<TunnelModel> tunnels() const override;
    void peer_list(std::uint64_t cursor, Reply<PeerPage> reply) override;
    [[nodiscard]] std::vector<TunnelKeysModel> tunnel_keys() const override;
    [[nodiscard]] bool shows_peer_metrics() const override { return served_.has_peer_metrics; }
    RekeyModel rekey_all() override;
    Outcome<void> forget_timestamp(const std::string& peer) override {
        return tunnels_.forget_timestamp(peer);
    }
    void reload(Reply<ReloadResult> reply) override;
    [[nodiscard]] CheckResult check(const std::string& text) const override;

private:
    // A question of the API on its way. Takes every answer that carries its number, or the failure
    // that ends it; true when it is over.
    using Answer = Outcome<contract::Upward::View>;
    struct Question {
        Now deadline{};
        std::function<bool(const Answer&)> take;
    };
    struct PendingReload {
        Now deadline{};
        ReloadResult result;
        Reply<ReloadResult> reply;
    };
    static constexpr std::size_t kQuestionsMax = 256;
    // Less than the client waits (control/cli/client.h).
    static constexpr Duration kReloadTime = std::chrono::seconds{8};

    void on_received(std::span<const std::byte> bytes);
    void on_closed(const std::string& why);
    void carry_out(ActionList& actions);
    void on_action(SendDatagram& action) { client_.send(std::move(action.bytes)); }
    void on_action(CloseConnection& action) {
        client_.close(action.why);
        has_given_up_ = true;
    }
    void on_action(DataplaneChanged& action);
    void on_action(WorldApplied& action);
    void on_action(WorldRefused& action);
    void on_action(StartRefused& action);

    // Answers go to the snapshot.
    template <class Query>
    void tell(const Query& query) {
        const auto bytes = contract::bytes_of(query);
        client_.send({bytes.begin(), bytes.end()});
    }
    // Answers go to `take`, or one failure does.
    template <class Query>
    void ask(Query query, std::function<bool(const Answer&)> take) {
        if (const std::optional<std::uint32_t> request = admit(std::move(take))) {
            query.header.request = *request;
            tell(query);
        }
    }
    // The number of a new question; none if it cannot be asked, and `take` hears why.
    [[nodiscard]] std::optional<std::uint32_t> admit(std::function<bool(const Answer&)> take);
    void listen_for_events();
    void poll();
    void look_at_next_hops();
    void tick();
    void check_pulse(Now now);
    // It is there but answers nothing.
    [[nodiscard]] bool is_hung() const noexcept {
        return pulse_.is_silent() && (client_.is_connected() || has_given_up_);
    }
    void on_heard(Now now);
    // What the data plane said of its interfaces, for the log.
    void watch_links(const contract::Upward::View& message);
    // Once for each data plane, when it is known what it runs.
    void describe(const contract::Upward::View& message);
    void hand_over_config();
    [[nodiscard]] TunnelIo tunnel_io();
    // What an earlier life sent; never if nothing of it can be read.
    [[nodiscard]] wireguard::Timestamp kept_timestamp() const;
    // The sockets of WireGuard's standard tool: those of the tunnels there are.
    void serve_tool();
    void on_tool(const std::string& tunnel, const std::string& request, uapi::Respond respond);
    void gather_peers(const std::string& tunnel, std::uint64_t cursor, std::vector<PeerModel> peers,
                      uapi::Respond respond);
    void change_tunnel(const std::string& tunnel, const uapi::TunnelChange& change,
                       uapi::Respond respond);
    // `who` asked for it, for the log.
    void put_in_force(const std::string& who);
    void finish_reloads(const std::string& refusal);
    // The data plane says neither yes nor no.
    void give_up_reloads();
    [[nodiscard]] ReloadResult load_again();

    boost::asio::io_context& loop_;
    boost::asio::steady_timer tick_timer_;
    ControllerRequest request_;
    // Never null. Peers are many: those who need it share it.
    std::shared_ptr<const config::Config> config_;
    // What was in force, while a reload is on its way to the data plane, which may refuse it.
    std::shared_ptr<const config::Config> before_reload_;
    const config::Management served_;  // where the API listens since the start
    Conversation conversation_;
    Snapshot snapshot_;
    NatLog nat_log_;
    Pulse pulse_;
    bool has_given_up_ = false;  // the last connection was ended by us, for want of an answer
    LinkWatch links_;
    NextHopWatch next_hops_;
    bool hears_events_ = false;  // subscribed on this connection
    bool is_described_ = false;  // the log says what this data plane runs
    ContractClient client_;
    KernelRandom random_;
    NameResolver resolver_;
    KeptTimestamp kept_timestamp_;
    Tunnels tunnels_;
    uapi::Server tool_;
    std::set<std::string> changed_by_tool_;  // tunnels; until the next reload
    std::map<std::uint32_t, Question> questions_;
    std::vector<PendingReload> reloads_;
    std::uint32_t next_request_ = 1;
    std::uint32_t ticks_ = 0;
    std::uint32_t polls_ = 0;
    MemoryReturn memory_return_;
    Now started_at_{};
    std::uint64_t dataplane_start_id_ = 0;
    std::uint32_t dataplane_restarts_ = 0;
    std::string dataplane_build_;
    std::string asked_by_;  // who asked for the generation that is on its way; empty: nobody here
    std::string last_refusal_;
    std::string last_reload_error_;   // empty: the last reload was taken
    bool is_config_waiting_ = false;  // read again while the data plane was silent
    bool is_reload_open_ = false;     // answered before the data plane said yes or no
};

}  // namespace towpath::control
