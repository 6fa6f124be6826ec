// SPDX-License-Identifier: BSD-3-Clause
// Keeps the kernel deaf on a netdev that a port holds (decisions.md N9): what arrives is dropped
// behind the point where packet sockets see it, IPv6 is off, nothing merges frames. Without it the
// kernel would answer ARP and reset connections that Towpath translates. What leaves is not
// touched.
// Addresses that the request adopts leave the device and come back; routes over them do not.
//
// A process that is killed leaves the guard in place, so the kernel stays deaf until the next
// start takes it over: the filter's handle carries what is to be restored, the request's
// adopted_file the addresses. Restored on destruction.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dataplane/port/adopted_addresses.h"
#include "dataplane/port/file_descriptor.h"
#include "dataplane/port/kernel_device.h"
#include "dataplane/wire/result.h"

namespace towpath::port {

class KernelGuard {
public:
    // Deafens the device and brings it up. address_in_use: another process holds the device;
    // refused: it has kernel addresses and the request does not adopt them; no_permission.
    [[nodiscard]] static Outcome<KernelGuard> install(const PortRequest& request,
                                                      const KernelDevice& device);
    KernelGuard(KernelGuard&& other) noexcept;
    KernelGuard& operator=(KernelGuard&&) = delete;
    ~KernelGuard();

    // What the host lost by it, a sentence: routes over adopted addresses. Else empty.
    [[nodiscard]] const std::string& note() const noexcept { return note_; }

private:
    KernelGuard(const KernelDevice& device, FileDescriptor lock, std::uint32_t restore) noexcept;

    std::string name_;
    unsigned index_;
    FileDescriptor lock_;    // an abstract socket: gone with the process, one per namespace
    std::uint32_t restore_;  // Restore bits
    std::string note_;
    AdoptedAddresses adopted_;  // last: back when the kernel hears again
};

}  // namespace towpath::port
