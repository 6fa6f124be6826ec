// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/server/dispatch.h"

#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <utility>
#include <variant>
#include <vector>

#include "dataplane/contract/framing.h"
#include "dataplane/server/dispatch_context.h"
#include "dataplane/server/reasons.h"

namespace towpath::server {

using namespace contract;

namespace {

// Events per call of push(), so that a storm of them does not keep the server from its queries.
constexpr std::size_t kEventBatchesPerPush = 64;

std::string_view sentence_of(Error error) noexcept {
    switch (error) {
        case Error::bad_version:
            return "the contract number differs: control and data plane are of different builds";
        case Error::bad_type:
            return "this message is unknown";
        case Error::bad_value:
            return "a field of this message is out of range";
        default:
            return "this message does not have the length of its type";
    }
}

}  // namespace

Dispatcher::Dispatcher(Identity identity, Engine& engine)
    : identity_{std::move(identity)}, engine_{engine} {}

DataplaneState Dispatcher::state() const noexcept {
    return start_ ? DataplaneState::forwarding : DataplaneState::waiting_for_start;
}

void Dispatcher::handle(Client& client, std::span<const std::byte> bytes, const Send& send) {
    const Header header = peek_header(bytes).value_or(Header{});
    Context context{client, send, header};
    const Result<Downward::View> message = decode_downward(bytes);
    if (!message) {
        context.refuse(header.type, sentence_of(message.error()), false, true);
        return;
    }
    if (!client.has_greeted && header.type != MessageType::hello_control) {
        context.refuse(header.type, "hello comes first", false, true);
        return;
    }
    std::visit([this, &context](const auto* m) { on(context, *m); }, *message);
}

bool Dispatcher::is_started(Context& context, MessageType what) {
    if (!start_) {
        context.refuse(what, "the data plane waits for start");
    }
    return start_ != nullptr;
}

void Dispatcher::on(Context& context, const HelloControl&) {
    // A hello begins anew: what was stated before it and not committed is forgotten.
    context.client = Client{};
    context.client.has_greeted = true;
    HelloDataplane reply;
    reply.start_id = identity_.start_id;
    reply.generation = generation_;
    reply.index_key = engine_.index_key();
    reply.process_id = static_cast<std::uint32_t>(::getpid());
    reply.state = state();
    reply.build.set(kBuild);
    reply.instance.set(identity_.instance);
    context.reply(reply);
}

void Dispatcher::on(Context& context, const Start& message) {
    if (start_) {
        if (*start_ == message.settings) {
            context.reply(started_);
        } else {
            context.refuse(MessageType::start,
                           "ports, cores or capacities differ from those the data plane was "
                           "started with: restart needed",
                           true);
        }
        return;
    }
    Outcome<Started> outcome = engine_.start(message.settings);
    if (!outcome) {
        StartFailed reply;
        reply.exit_code = static_cast<std::uint32_t>(outcome.error().exit_code);
        reply.sentence.set(outcome.error().sentence);
        context.reply(reply);
        context.client.is_refused = true;
        start_failure_ = std::move(outcome.error());
        return;
    }
    started_ = *outcome;
    start_ = std::make_unique<StartSettings>(message.settings);
    context.reply(started_);
}

template <class StateMessage>
void Dispatcher::on_state(Context& context, const StateMessage& message) {
    if (!is_started(context, StateMessage::kType)) {
        return;
    }
    if (!context.client.construction) {
        context.client.construction = construction_from(world_);
    }
    const Outcome<void> outcome = apply(*context.client.construction, *start_, message);
    if (!outcome) {
        context.client.is_spoiled = true;
        context.refuse(StateMessage::kType, outcome.error().sentence,
                       outcome.error().exit_code == ExitCode::refused);
    }
}

void Dispatcher::on(Context& context, const InterfaceSet& message) {
    on_state(context, message);
}
void Dispatcher::on(Context& context, const RouteChunk& message) {
    on_state(context, message);
}
void Dispatcher::on(Context& context, const NatSet& message) {
    on_state(context, message);
}
void Dispatcher::on(Context& context, const Ipv6RouteChunk& message) {
    on_state(context, message);
}
void Dispatcher::on(Context& context, const SourceChunk& message) {
    on_state(context, message);
}
void Dispatcher::on(Context& context, const PoolChunk& message) {
    on_state(context, message);
}
void Dispatcher::on(Context& context, const AllowChunk& message) {
    on_state(context, message);
}

void Dispatcher::on(Context& context, const TunnelSet& message) {
    on_state(context, message);
}
void Dispatcher::on(Context& context, const AdvertiseChunk& message) {
    on_state(context, message);
}

void Dispatcher::on(Context& context, const Commit& message) {
    if (!is_started(context, MessageType::commit)) {
        return;
    }
    Construction construction = context.client.construction
                                    ? std::move(*context.client.construction)
                                    : construction_from(world_);
    context.client.construction.reset();
    if (std::exchange(context.client.is_spoiled, false)) {
        context.refuse(MessageType::commit, "a message before this commit was refused");
        return;
    }
    Outcome<void> outcome = check_whole(construction);
    // Generation 0 is no world at all: the first commit is published even if it states nothing.
    const bool has_changed = generation_ == 0 || construction.world != world_;
    if (outcome && has_changed) {
        outcome = engine_.publish(message.generation, construction.world);
    }
    if (!outcome) {
        context.refuse(MessageType::commit, outcome.error().sentence,
                       outcome.error().exit_code == ExitCode::refused);
        return;
    }
    world_ = std::move(construction.world);
    generation_ = message.generation;
    Applied reply;
    reply.generation = generation_;
    reply.has_changed = has_changed ? 1 : 0;
    context.reply(reply);
}

void Dispatcher::on(Context& context, const StatusQuery&) {
    StatusReply reply;
    if (start_) {
        engine_.status(reply);
    }
    reply.generation = generation_;
    reply.state = state();
    context.reply(reply);
}

void Dispatcher::on(Context& context, const CountersQuery&) {
    if (!is_started(context, MessageType::counters_query)) {
        return;
    }
    const std::size_t workers = engine_.worker_count();
    for (std::size_t i = 0; i < workers; ++i) {
        CountersReply reply;
        engine_.counters(i, reply);
        reply.workers = static_cast<std::uint32_t>(workers);
        reply.worker = static_cast<std::uint32_t>(i);
        context.reply(reply);
    }
}

void Dispatcher::on(Context& context, const ReasonsQuery&) {
    context.reply_in_parts<ReasonsReply>(reason_rows());
}

void Dispatcher::on(Context& context, const InterfacesQuery&) {
    if (is_started(context, MessageType::interfaces_query)) {
        context.reply_in_parts<InterfacesReply>(engine_.interfaces());
    }
}

void Dispatcher::on(Context& context, const NatLookupQuery& message) {
    if (is_started(context, MessageType::nat_lookup_query)) {
        NatLookupReply reply;
        engine_.nat_lookup(message, reply);
        context.reply(reply);
    }
}

void Dispatcher::on(Context& context, const NatListQuery& message) {
    if (is_started(context, MessageType::nat_list_query)) {
        NatListReply reply;
        engine_.nat_list(message, reply);
        context.reply(reply);
    }
}

void Dispatcher::on(Context& context, const PortUsageQuery&) {
    if (is_started(context, MessageType::port_usage_query)) {
        context.reply_in_parts<PortUsageReply>(engine_.port_usage());
    }
}

void Dispatcher::on(Context& context, const NeighborsQuery&) {
    if (is_started(context, MessageType::neighbors_query)) {
        context.reply_in_parts<NeighborsReply>(engine_.neighbors());
    }
}

void Dispatcher::on(Context& context, const StartQuery&) {
    StartReply reply;
    if (start_) {
        reply.settings = *start_;
    }
    context.reply(reply);
}

void Dispatcher::on(Context& context, const EventsSubscribe&) {
    if (is_started(context, MessageType::events_subscribe)) {
        context.client.wants_events = true;
        engine_.resync_events();
    }
}

void Dispatcher::push(Client& client, const Send& send) {
    if (!start_ || !client.has_greeted) {
        return;
    }
    for (LinkChange& change : engine_.drain_link_changes()) {
        change.header = header_of<LinkChange>();
        send(bytes_of(change));
    }
    push_tunnels(send);
    if (!client.wants_events) {
        return;
    }
    for (std::size_t i = 0; i < kEventBatchesPerPush; ++i) {
        EventBatch batch;
        batch.count = static_cast<std::uint32_t>(engine_.drain_events(batch.rows));
        if (batch.count == 0) {
            return;
        }
        batch.lost = engine_.events_lost();
        send(bytes_of(batch));
    }
}

}  // namespace towpath::server
