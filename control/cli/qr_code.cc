// SPDX-License-Identifier: BSD-3-Clause
#include "control/cli/qr_code.h"

#if TOWPATH_HAS_QRENCODE
#include <qrencode.h>

#include <memory>
#endif

namespace towpath::control::cli {

#if TOWPATH_HAS_QRENCODE

Outcome<std::string> qr_code(const std::string& text) {
    constexpr int kQuietZone = 4;
    const std::unique_ptr<QRcode, void (*)(QRcode*)> code{
        ::QRcode_encodeData(static_cast<int>(text.size()),
                            reinterpret_cast<const unsigned char*>(text.data()), 0, QR_ECLEVEL_L),
        ::QRcode_free};
    if (code == nullptr) {
        return fail(ExitCode::failed, "the file is more than a QR code holds: 2953 bytes");
    }
    const auto is_light = [&code](int row, int column) {
        const bool is_inside = row >= 0 && column >= 0 && row < code->width && column < code->width;
        return !is_inside || (code->data[row * code->width + column] & 1U) == 0;
    };
    std::string picture;
    for (int row = -kQuietZone; row < code->width + kQuietZone; row += 2) {
        for (int column = -kQuietZone; column < code->width + kQuietZone; ++column) {
            const bool is_upper_light = is_light(row, column);
            const bool is_lower_light = is_light(row + 1, column);
            picture += is_upper_light ? (is_lower_light ? "\u2588" : "\u2580")
                                      : (is_lower_light ? "\u2584" : " ");
        }
        picture += "\n";
    }
    return picture;
}

#else

Outcome<std::string> qr_code(const std::string&) {
    return fail(ExitCode::failed, "this build has no QR codes: libqrencode was not there");
}

#endif

}  // namespace towpath::control::cli
