// SPDX-License-Identifier: BSD-3-Clause
// Kernel addresses that a port took off its device (adopt-address, decisions.md N9) and gives back
// when it ends. They are written down first, so that the next start of a process that was killed
// gives them back. Routes that hung on an address do not come back.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "dataplane/packet/interface.h"
#include "dataplane/wire/result.h"

namespace towpath::port {

class AdoptedAddresses {
public:
    AdoptedAddresses() = default;  // none

    // Takes `addresses`, and those that `file` says a killed process took off this same device.
    // An empty `file`: nothing is written down. Fails, with nothing taken, when it cannot be
    // written.
    [[nodiscard]] static Outcome<AdoptedAddresses> take(unsigned device_index,
                                                        std::vector<InterfaceAddress> addresses,
                                                        const std::string& file);
    AdoptedAddresses(AdoptedAddresses&& other) noexcept;
    AdoptedAddresses& operator=(AdoptedAddresses&& other) noexcept;
    // Gives them back and removes the file.
    ~AdoptedAddresses();

private:
    unsigned device_index_ = 0;
    std::vector<InterfaceAddress> addresses_;
    std::string file_;
};

// The file: the number of the device (another one of its name never had these addresses), then an
// address with its prefix length per line.
[[nodiscard]] std::string adopted_text(unsigned device_index,
                                       const std::vector<InterfaceAddress>& addresses);
// Empty when the text is of another device or damaged.
[[nodiscard]] std::vector<InterfaceAddress> parse_adopted(unsigned device_index,
                                                          std::string_view text);

}  // namespace towpath::port
