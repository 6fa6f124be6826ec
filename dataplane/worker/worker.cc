// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/worker/worker.h"

#include <immintrin.h>

#include <algorithm>

#include "dataplane/wire/ethernet.h"
#include "dataplane/wire/ipv4.h"

namespace towpath::worker {
namespace {

constexpr Duration kHousekeepingInterval = std::chrono::milliseconds{1};
constexpr Duration kSleepLimit = std::chrono::milliseconds{10};
// With a device that no descriptor speaks for, sleep is only a nap, and it begins late: such a
// device is a fast one, whose ring must not fill meanwhile.
constexpr Duration kNapLimit = std::chrono::microseconds{50};
constexpr Duration kSpinBeforeNap = std::chrono::microseconds{50};
// To look whether the host sends is a system call. A worker that sleeps is woken for it.
constexpr Duration kHostInterval = std::chrono::microseconds{100};
constexpr std::size_t kDescriptorsMax = 1024;
// Stages get at least this many buffers for packets that they originate.
constexpr std::size_t kSparesLow = 8;

}  // namespace

Worker::Worker(WorkerId id, const WorkerShared& shared, pipeline::PipelineShared& pipeline,
               std::optional<crypto::Aead> aead)
    : shared_{shared},
      tunnels_{pipeline.tunnels},
      pipeline_{id, pipeline, counters_, std::move(aead)},
      dispatch_{id, shared.targets, counters_},
      id_{id} {
    found_descriptors_.reserve(kDescriptorsMax);
    descriptors_.reserve(kDescriptorsMax + 1);
}

void Worker::run() noexcept {
    shared_.quiescence.come_online(id_);
    Now now = shared_.clock.now();
    last_work_ = now;
    while (!shared_.is_stopping.load(std::memory_order_relaxed)) {
        adopt_generation();
        const std::size_t work = generation_ == nullptr ? 0 : turn(now);
        shared_.quiescence.pass(id_);
        if (work == 0) {
            idle(now);
        } else if (is_idle_) {
            is_idle_ = false;
            spin_.note_gap(now - last_work_);
        }
        const Now end = shared_.clock.now();
        (work == 0 ? load_.idle_ns : load_.busy_ns)
            .add(static_cast<std::uint64_t>((end - now).count()));
        if (work != 0) {
            last_work_ = end;
        }
        now = end;
    }
    shared_.quiescence.go_offline(id_);
}

std::size_t Worker::turn(Now now) noexcept {
    mailbox_.serve(pipeline_.nat_state(), now);
    std::size_t work = receive_handed_off(now);
    work += receive_ports(now);
    if (now >= next_look_at_hosts_) {
        work += receive_hosts(now);
        next_look_at_hosts_ = now + kHostInterval;
    }
    if (now >= next_housekeeping_ || pipeline_.has_tunnel_work()) {
        housekeeping(now);
        next_housekeeping_ = now + kHousekeepingInterval;
    }
    dispatch_.flush();
    tell_server();
    return work;
}

void Worker::tell_server() noexcept {
    if (tunnels_ != nullptr &&
        !(tunnels_->events(id_).empty() && tunnels_->handshakes(id_).empty())) {
        shared_.bell->ring();
    }
}

void Worker::discard() noexcept {
    bool has_more = true;
    while (has_more) {
        batch_.clear();
        has_more = pipeline_.discard(batch_);
        dispatch_.send(batch_);
    }
    shared_.targets.pool.release(batch_.spares());
    batch_.clear_spares();
}

void Worker::adopt_generation() noexcept {
    const pipeline::Generation* const current = shared_.generation.load(std::memory_order_acquire);
    if (current != generation_) {
        generation_ = current;
        pipeline_.adopt(*current);
    }
}

std::size_t Worker::receive_ports(Now now) noexcept {
    std::size_t work = 0;
    for (const ReceiveQueue& queue : shared_.targets.plan.receive_queues(id_)) {
        port::Port* const port = shared_.targets.ports.port(queue.interface);
        if (port == nullptr) {
            continue;
        }
        batch_.clear();
        const std::size_t received =
            port->receive(queue.queue, batch_.free_slots().first(kBurstMax));
        if (received == 0) {
            continue;
        }
        work += received;
        admit_received(queue.interface, received, Lane::parse);
        process(now);
    }
    return work;
}

std::size_t Worker::receive_hosts(Now now) noexcept {
    std::size_t work = 0;
    const std::size_t interfaces = generation_->interfaces.count;
    for (std::size_t port = id_; port < interfaces; port += shared_.targets.mesh.workers()) {
        const InterfaceId interface { static_cast<std::uint8_t>(port) };
        port::HostTap* const host = shared_.targets.ports.host(interface);
        if (host == nullptr) {
            continue;
        }
        batch_.clear();
        const std::size_t received = host->receive(batch_.free_slots().first(kBurstMax));
        if (received == 0) {
            continue;
        }
        work += received;
        for (Packet& packet : batch_.free_slots().first(received)) {
            packet.ingress = interface;
            packet.from_host = true;
        }
        counters_.received.add(received);
        batch_.admit(received, Lane::parse);
        process(now);
    }
    return work;
}

void Worker::admit_received(InterfaceId interface, std::size_t count, Lane lane) noexcept {
    InterfaceCounters& counters = counters_.interfaces[static_cast<std::size_t>(interface)];
    std::uint64_t bytes = 0;
    for (Packet& packet : batch_.free_slots().first(count)) {
        packet.ingress = interface;
        bytes += packet.length;
    }
    counters.receive_packets.add(count);
    counters.receive_bytes.add(bytes);
    counters_.received.add(count);
    if (shared_.targets.plan.is_distributed_in_software(interface)) {
        count = distribute(count);
    }
    batch_.admit(count, lane);
}

std::size_t Worker::distribute(std::size_t count) noexcept {
    const std::span<Packet> packets = batch_.free_slots();
    std::size_t kept = 0;
    for (std::size_t position = 0; position < count; ++position) {
        Packet& packet = packets[position];
        const auto* const ethernet = header_at<EthernetHeader>(packet.bytes(), 0);
        const auto* const ipv4 = header_at<Ipv4Header>(packet.bytes(), sizeof(EthernetHeader));
        WorkerId to = id_;
        if (ipv4 != nullptr && ethernet->ether_type == be16{kEtherTypeIpv4}) {
            to = worker::distribute(Ipv4Address{ipv4->source}, Ipv4Address{ipv4->destination},
                                    shared_.targets.mesh.workers());
        }
        if (to == id_) {
            packets[kept++] = packet;
        } else {
            packet.resume = Lane::parse;
            dispatch_.distribute(packet, to);
        }
    }
    return kept;
}

std::size_t Worker::receive_handed_off(Now now) noexcept {
    std::size_t work = 0;
    for (std::size_t from = 0; from < shared_.targets.mesh.workers(); ++from) {
        if (from == id_) {
            continue;
        }
        auto& ring = shared_.targets.mesh.ring(static_cast<WorkerId>(from), id_);
        if (ring.empty()) {  // as almost always, and the array below is not made for nothing
            continue;
        }
        std::array<Packet, kBurstMax> packets;
        const std::size_t taken = ring.pop(packets);
        work += taken;
        counters_.resumed.add(taken);
        batch_.clear();
        for (const Packet& packet : std::span{packets.data(), taken}) {
            const bool admitted = batch_.admit(packet, packet.resume);
            TOWPATH_ASSERT(admitted);
        }
        process(now);
    }
    return work;
}

void Worker::process(Now now) noexcept {
    refill_spares();
    pipeline_.run(batch_, now);
    dispatch_.send(batch_);
}

void Worker::housekeeping(Now now) noexcept {
    batch_.clear();
    refill_spares();
    pipeline_.housekeeping(batch_, now);
    dispatch_.send(batch_);
}

void Worker::refill_spares() noexcept {
    if (batch_.spare_count() >= kSparesLow) {
        return;
    }
    std::array<Packet, kSparesMax> fresh;
    const std::size_t wanted = kSparesMax - batch_.spare_count();
    const std::size_t got = shared_.targets.pool.allocate({fresh.data(), wanted});
    for (const Packet& packet : std::span{fresh.data(), got}) {
        batch_.add_spare(packet);
    }
}

void Worker::idle(Now now) noexcept {
    is_idle_ = true;
    const Duration spin = can_sleep_ ? spin_.value() : kSpinBeforeNap;
    if (shared_.busy_polls || now - last_work_ < spin) {
        _mm_pause();
        return;
    }
    if (ports_version_ != shared_.ports_version.load(std::memory_order_acquire)) {
        collect_descriptors();
    }
    sleep();
}

void Worker::sleep() noexcept {
    Doorbell& doorbell = shared_.targets.doorbells[id_];
    doorbell.announce_sleep();
    const bool has_work = shared_.targets.mesh.has_work(id_) || mailbox_.has_query() ||
                          pipeline_.has_tunnel_work() ||
                          shared_.is_stopping.load(std::memory_order_relaxed) ||
                          shared_.generation.load(std::memory_order_relaxed) != generation_;
    if (has_work) {
        doorbell.announce_wake();
        return;
    }
    load_.sleeps.add();
    pipeline_.forget_keys();
    shared_.quiescence.go_offline(id_);
    doorbell.wait(descriptors_, can_sleep_ ? kSleepLimit : kNapLimit);
    shared_.quiescence.come_online(id_);
    const auto hosts = std::span{descriptors_}.subspan(first_host_);
    if (std::any_of(hosts.begin(), hosts.end(),
                    [](const pollfd& host) { return host.revents != 0; })) {
        next_look_at_hosts_ = Now{};
    }
}

void Worker::collect_descriptors() {
    ports_version_ = shared_.ports_version.load(std::memory_order_acquire);
    std::vector<int>& found = found_descriptors_;
    found.clear();
    can_sleep_ = true;
    for (const ReceiveQueue& queue : shared_.targets.plan.receive_queues(id_)) {
        if (const port::Port* const port = shared_.targets.ports.port(queue.interface);
            port != nullptr) {
            const std::size_t before = found.size();
            port->append_descriptors(queue.queue, found);
            can_sleep_ = can_sleep_ && found.size() > before;
        }
    }
    first_host_ = 1 + found.size();
    for (std::size_t port = id_; port < kInterfacesMax; port += shared_.targets.mesh.workers()) {
        if (const port::HostTap* const host =
                shared_.targets.ports.host(InterfaceId{static_cast<std::uint8_t>(port)});
            host != nullptr) {
            found.push_back(host->descriptor());
        }
    }
    descriptors_.clear();
    descriptors_.push_back(
        {.fd = shared_.targets.doorbells[id_].descriptor(), .events = POLLIN, .revents = 0});
    for (const int descriptor : found) {
        descriptors_.push_back({.fd = descriptor, .events = POLLIN, .revents = 0});
    }
}

}  // namespace towpath::worker
