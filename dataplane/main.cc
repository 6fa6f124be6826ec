// SPDX-License-Identifier: BSD-3-Clause
// towpathd: the data plane process. Takes its run directory, waits for control on the contract
// socket, and does what control states until SIGTERM or SIGINT.
#include <getopt.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <string>

#include "dataplane/contract/run_directory.h"
#include "dataplane/contract/version.h"
#include "dataplane/engine/dataplane.h"
#include "dataplane/server/contract_server.h"

namespace {

using namespace towpath;

constexpr const char* kUsage =
    "usage: towpathd [--run-dir DIR] [--instance NAME]\n"
    "                [--aead automatic|ipsec_mb|avx2|avx512|avx512_ifma] [--version] [--help]";

struct Options {
    std::string run_directory;
    std::string instance = "towpath";
    crypto::AeadPath aead = crypto::AeadPath::automatic;
};

Outcome<Options> read_options(int count, char** arguments) {
    static constexpr option kOptions[] = {
        {"run-dir", required_argument, nullptr, 'r'}, {"instance", required_argument, nullptr, 'i'},
        {"aead", required_argument, nullptr, 'a'},    {"version", no_argument, nullptr, 'v'},
        {"help", no_argument, nullptr, 'h'},          {nullptr, 0, nullptr, 0}};
    Options options;
    for (int found = 0; (found = getopt_long(count, arguments, "", kOptions, nullptr)) != -1;) {
        switch (found) {
            case 'r':
                options.run_directory = optarg;
                break;
            case 'i':
                options.instance = optarg;
                break;
            case 'a': {
                const auto path = crypto::parse_aead_path(optarg);
                if (!path) {
                    return fail(ExitCode::usage, std::string{"--aead: there is no path '"} +
                                                     optarg + "'\n" + kUsage);
                }
                options.aead = *path;
                break;
            }
            case 'v':
                std::printf("towpathd %s\n", std::string{contract::kBuild}.c_str());
                std::exit(0);
            case 'h':
                std::printf("%s\n", kUsage);
                std::exit(0);
            default:
                return fail(ExitCode::usage, kUsage);
        }
    }
    if (optind != count) {
        return fail(ExitCode::usage, "towpathd takes no arguments besides its options");
    }
    options.run_directory = contract::run_directory(options.run_directory);
    return options;
}

// Readable once SIGTERM or SIGINT came. Blocked in every thread that starts later.
Outcome<int> stop_signals() {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    const int descriptor = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    if (descriptor < 0) {
        return fail(ExitCode::failed,
                    std::string{"cannot wait for signals: "} + std::strerror(errno));
    }
    return descriptor;
}

Outcome<void> serve(const Options& options) {
    const auto lock = contract::RunLock::acquire(options.run_directory, contract::kDataplaneLock);
    if (!lock) {
        return tl::unexpected{lock.error()};
    }
    if (lock->was_cut_short()) {
        std::fprintf(stderr, "towpathd: %s\n", contract::kCutShort.data());
    }
    const auto stop = stop_signals();
    if (!stop) {
        return tl::unexpected{stop.error()};
    }
    std::uint64_t start_id = 0;
    if (getrandom(&start_id, sizeof start_id, 0) != sizeof start_id) {
        return fail(ExitCode::failed, "the kernel gives no random numbers");
    }
    engine::Dataplane dataplane{options.run_directory, options.instance, options.aead};
    auto server = server::ContractServer::listen(
        contract::contract_socket(options.run_directory),
        {.instance = options.instance, .start_id = start_id}, dataplane);
    if (!server) {
        return tl::unexpected{server.error()};
    }
    return (*server)->run(*stop);
}

}  // namespace

int main(int count, char** arguments) {
    const auto options = read_options(count, arguments);
    const auto served = options ? serve(*options) : tl::unexpected{options.error()};
    if (!served) {
        std::fprintf(stderr, "towpathd: %s\n", served.error().sentence.c_str());
        return static_cast<int>(served.error().exit_code);
    }
    return 0;
}
