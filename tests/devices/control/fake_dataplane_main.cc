// SPDX-License-Identifier: BSD-3-Clause
// A towpathd without packets, for tests of supervision: the real contract server and lock with a
// FakeEngine behind. TOWPATH_FAKE_EXIT=N: ends at once with code N, as a failed start would.
#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "dataplane/contract/run_directory.h"
#include "dataplane/server/contract_server.h"
#include "tests/builders/fake_engine.h"

int main(int argument_count, char** arguments) {
    using namespace towpath;
    if (const char* const code = std::getenv("TOWPATH_FAKE_EXIT")) {
        return std::atoi(code);
    }
    std::string directory;
    for (int i = 1; i + 1 < argument_count; ++i) {
        if (std::string_view{arguments[i]} == "--run-dir") {
            directory = arguments[i + 1];
        }
    }
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigprocmask(SIG_BLOCK, &signals, nullptr);
    const int stop = ::signalfd(-1, &signals, SFD_CLOEXEC);
    const auto lock = contract::RunLock::acquire(directory, contract::kDataplaneLock);
    if (!lock) {
        std::fprintf(stderr, "towpathd: %s\n", lock.error().sentence.c_str());
        return static_cast<int>(lock.error().exit_code);
    }
    server::FakeEngine engine;
    auto server =
        server::ContractServer::listen(contract::contract_socket(directory),
                                       {"fake", static_cast<std::uint64_t>(::getpid())}, engine);
    if (!server) {
        return static_cast<int>(server.error().exit_code);
    }
    const Outcome<void> outcome = (*server)->run(stop);
    return outcome ? 0 : static_cast<int>(outcome.error().exit_code);
}
