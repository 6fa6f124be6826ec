// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/worker/worker_set.h"

#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>

#include <cstring>
#include <string>

#include "dataplane/dpdk/eal.h"

namespace towpath::worker {
namespace {

// Long enough to matter to nobody, short enough to be quick after a burst.
constexpr auto kPollInterval = std::chrono::microseconds{50};

Outcome<void> bind_to_core(std::thread& thread, unsigned core) {
    cpu_set_t mask;
    CPU_ZERO(&mask);
    CPU_SET(core, &mask);
    const int failure = pthread_setaffinity_np(thread.native_handle(), sizeof mask, &mask);
    if (failure != 0) {
        return fail(ExitCode::no_such_core, "cannot run a worker on core " + std::to_string(core) +
                                                ": " + std::strerror(failure));
    }
    return {};
}

// A worker that sleeps when it has nothing to do must not wait for a slice of the core when it has:
// behind an ordinary program that would be milliseconds per packet. One that never sleeps gets no
// such right, nor does anything happen without the permission.
void prefer_this_thread() {
    constexpr int kNice = -10;  // nine tenths of a core that others want as well
    static_cast<void>(setpriority(PRIO_PROCESS, 0, kNice));
}

void run_worker(Worker& worker, bool sleeps) {
    if (sleeps) {
        prefer_this_thread();
    }
    // Without a registration packets come from the shared ring: slower, but right.
    const auto registration = dpdk::ThreadRegistration::register_this_thread();
    worker.run();
}

}  // namespace

Outcome<std::unique_ptr<WorkerSet>> WorkerSet::create(const WorkerSetRequest& request,
                                                      PortTable& ports, dpdk::PacketPool& pool,
                                                      Quiescence& quiescence,
                                                      pipeline::PipelineShared pipeline) {
    std::vector<Doorbell> doorbells;
    for (std::size_t count = 0; count < request.cores.size(); ++count) {
        auto doorbell = Doorbell::create();
        if (!doorbell) {
            return tl::unexpected{doorbell.error()};
        }
        doorbells.push_back(std::move(*doorbell));
    }
    std::vector<crypto::Aead> aeads;
    while (pipeline.tunnels != nullptr && aeads.size() < request.cores.size()) {
        auto aead = request.aead == crypto::AeadPath::automatic
                        ? crypto::Aead::create(request.aead_thresholds)
                        : crypto::Aead::create(request.aead);
        if (!aead) {
            return tl::unexpected{aead.error()};
        }
        aeads.push_back(std::move(*aead));
    }
    return std::unique_ptr<WorkerSet>{new WorkerSet{request, std::move(doorbells), ports, pool,
                                                    quiescence, pipeline, std::move(aeads)}};
}

WorkerSet::WorkerSet(const WorkerSetRequest& request, std::vector<Doorbell> doorbells,
                     PortTable& ports, dpdk::PacketPool& pool, Quiescence& quiescence,
                     pipeline::PipelineShared pipeline, std::vector<crypto::Aead> aeads)
    : cores_{request.cores},
      busy_polls_{request.busy_polls},
      clock_{TscClock::calibrate()},
      plan_{request.ports, request.cores.size()},
      mesh_{request.cores.size()},
      doorbells_{std::move(doorbells)},
      pool_{pool},
      quiescence_{quiescence},
      pipeline_{pipeline} {
    const WorkerShared shared{.targets = {plan_, ports, mesh_, doorbells_, pool_},
                              .quiescence = quiescence_,
                              .generation = published_,
                              .is_stopping = is_stopping_,
                              .ports_version = ports_version_,
                              .clock = clock_,
                              .bell = request.bell,
                              .busy_polls = request.busy_polls};
    for (std::size_t id = 0; id < cores_.size(); ++id) {
        std::optional<crypto::Aead> aead;
        if (!aeads.empty()) {
            aead.emplace(std::move(aeads[id]));
        }
        workers_.push_back(std::make_unique<Worker>(static_cast<WorkerId>(id), shared, pipeline_,
                                                    std::move(aead)));
    }
}

Outcome<void> WorkerSet::start() {
    for (std::size_t id = 0; id < workers_.size(); ++id) {
        threads_.emplace_back(
            [worker = workers_[id].get(), sleeps = !busy_polls_] { run_worker(*worker, sleeps); });
        const std::string name = "worker-" + std::to_string(id);
        pthread_setname_np(threads_.back().native_handle(), name.c_str());
        if (auto bound = bind_to_core(threads_.back(), cores_[id]); !bound) {
            return bound;
        }
    }
    return {};
}

WorkerSet::~WorkerSet() {
    is_stopping_.store(true, std::memory_order_relaxed);
    for (Doorbell& doorbell : doorbells_) {
        doorbell.ring();
    }
    for (std::thread& thread : threads_) {
        thread.join();
    }
    release_held();
}

void WorkerSet::release_held() {
    for (std::size_t to = 0; to < workers_.size(); ++to) {
        workers_[to]->discard();
        for (std::size_t from = 0; from < workers_.size(); ++from) {
            std::array<Packet, kBurstMax> packets;
            std::size_t taken = from == to ? 0 : kBurstMax;
            while (taken != 0) {
                taken =
                    mesh_.ring(static_cast<WorkerId>(from), static_cast<WorkerId>(to)).pop(packets);
                pool_.release({packets.data(), taken});
            }
        }
    }
}

void WorkerSet::publish(std::unique_ptr<const pipeline::Generation> generation) {
    published_.store(generation.get(), std::memory_order_seq_cst);
    for (Doorbell& doorbell : doorbells_) {
        doorbell.ring();
    }
    wait_for_quiescence();
    generation_ = std::move(generation);
}

void WorkerSet::ports_changed() {
    ports_version_.fetch_add(1, std::memory_order_seq_cst);
    for (Doorbell& doorbell : doorbells_) {
        doorbell.ring();
    }
    wait_for_quiescence();
}

void WorkerSet::wait_for_quiescence() {
    if (threads_.empty()) {
        return;
    }
    const Quiescence::Token token = quiescence_.take();
    while (!quiescence_.all_passed(token)) {
        std::this_thread::sleep_for(kPollInterval);
    }
}

void WorkerSet::post_and_wait(WorkerId worker, Worker::StateMailbox::Query& query) {
    TOWPATH_ASSERT(generation_ != nullptr && !threads_.empty());
    workers_[worker]->mailbox().post(query);
    doorbells_[worker].ring();
    while (!query.is_answered.load(std::memory_order_acquire)) {
        std::this_thread::sleep_for(kPollInterval);
    }
}

}  // namespace towpath::worker
