// SPDX-License-Identifier: BSD-3-Clause
#include "config/wg_quick.h"

#include <algorithm>
#include <array>

#include "config/encoding.h"
#include "config/tunnel_scalar.h"

namespace towpath::config {
namespace {

enum class Section : std::uint8_t { none, interface, peer };

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view kSpace = " \t\r";
    const std::size_t first = text.find_first_not_of(kSpace);
    if (first == std::string_view::npos) {
        return {};
    }
    return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

std::string lower(std::string_view text) {
    std::string result{text};
    std::transform(result.begin(), result.end(), result.begin(), [](char character) {
        return character >= 'A' && character <= 'Z' ? static_cast<char>(character - 'A' + 'a')
                                                    : character;
    });
    return result;
}

class Parser {
public:
    explicit Parser(WgQuickFile& file) : file_{file} {}

    void line(std::string_view text, std::size_t number) {
        line_ = text;
        number_ = number;
        const std::string_view said = trimmed(text.substr(0, text.find('#')));
        if (said.empty()) {
            return;
        }
        if (said.front() == '[') {
            begin_section(said);
            return;
        }
        const std::size_t equals = said.find('=');
        if (equals == std::string_view::npos) {
            error(said, {}, "not a section and not KEY = VALUE");
            return;
        }
        key_ = trimmed(said.substr(0, equals));
        value_ = trimmed(said.substr(equals + 1));
        entry();
    }

private:
    struct Row {
        Section section;
        std::string_view key;
        void (Parser::*read)();
    };
    // A line of wg-quick's that is accepted and has no effect.
    struct Ignored {
        std::string_view key;
        std::string_view why;
    };

    void begin_section(std::string_view said) {
        const std::string name = lower(said);
        if (name == "[interface]") {
            section_ = Section::interface;
        } else if (name == "[peer]") {
            section_ = Section::peer;
            locate("peers[" + std::to_string(file_.tunnel.peers.size()) + "]", said);
            file_.tunnel.peers.emplace_back();
        } else {
            section_ = Section::none;
            is_section_refused_ = true;
            error(said, {}, "unknown section: [Interface] or [Peer]");
            return;
        }
        is_section_refused_ = false;
    }

    void entry() {
        if (section_ == Section::none) {
            if (!is_section_refused_) {
                error(key_, {}, "a key before [Interface] or [Peer]");
            }
            return;
        }
        const std::string wanted = lower(key_);
        const auto row = std::find_if(kRows.begin(), kRows.end(), [&](const Row& candidate) {
            return candidate.section == section_ && lower(candidate.key) == wanted;
        });
        if (row != kRows.end()) {
            (this->*row->read)();
            return;
        }
        const auto ignored =
            std::find_if(kIgnored.begin(), kIgnored.end(),
                         [&](const Ignored& candidate) { return candidate.key == wanted; });
        if (section_ == Section::interface && ignored != kIgnored.end()) {
            report(Severity::warning, key_,
                   printable(key_) + " has no effect: " + std::string{ignored->why});
            return;
        }
        refuse_key(wanted);
    }

    void refuse_key(const std::string& wanted) {
        // A key of WireGuard's on a line of its own ends in '=' and would be taken for a name.
        constexpr std::size_t kNameLengthMax = 24;
        std::string text = "unknown key" +
                           (key_.size() > kNameLengthMax ? "" : " '" + printable(key_) + "'") +
                           (section_ == Section::peer ? " in [Peer]" : " in [Interface]");
        std::vector<std::string> lowered;
        for (const Row& row : kRows) {
            lowered.push_back(row.section == section_ ? lower(row.key) : "");
        }
        const std::vector<std::string_view> candidates{lowered.begin(), lowered.end()};
        const std::string_view meant = closest(wanted, candidates);
        for (std::size_t row = 0; row < kRows.size(); ++row) {
            if (!meant.empty() && lowered[row] == meant) {
                text += "; did you mean '" + std::string{kRows[row].key} + "'?";
            }
        }
        error(key_, {}, text);
    }

    void read_private_key() { read_secret(file_.tunnel.private_key, "private-key"); }
    void read_listen_port() {
        take(file_.tunnel.listen_port, "listen-port", value_,
             [](std::string_view text) { return parse_number(text, 1, 65535); });
    }
    void read_mtu() {
        take(file_.tunnel.mtu_bytes, "mtu", value_,
             [](std::string_view text) { return parse_number(text, 576, 9216); });
    }
    void read_table() {
        const std::string word = lower(value_);
        if (word != "auto" && word != "off") {
            error(value_, "table",
                  printable(value_) + " is not a table: auto or off (there is one table)");
        }
        file_.tunnel.has_routes = word != "off";
    }
    void read_address() { list(file_.tunnel.addresses, "addresses", parse_tunnel_address); }
    void read_public_key() { take(peer().public_key, in_peer("public-key"), value_, parse_key); }
    void read_preshared_key() { read_secret(peer().preshared_key, in_peer("preshared-key")); }
    void read_allowed_ips() { list(peer().allowed_ips, in_peer("allowed-ips"), parse_allowed_ip); }
    void read_endpoint() {
        take(peer().endpoint, in_peer("endpoint"), value_, parse_peer_endpoint);
    }
    void read_keepalive() {
        if (lower(value_) == "off") {
            peer().persistent_keepalive = std::chrono::seconds{0};
            return;
        }
        take(peer().persistent_keepalive, in_peer("persistent-keepalive"), value_,
             [](std::string_view text) -> Scalar<std::chrono::seconds> {
                 const auto seconds = parse_number(text, 0, 65535);
                 if (!seconds) {
                     return tl::unexpected<std::string>{
                         " is not a number of seconds of 0..65535, or off"};
                 }
                 return std::chrono::seconds{static_cast<std::int64_t>(*seconds)};
             });
    }

    void read_secret(SecretKey& target, const std::string& path) {
        locate(path, value_);
        auto key = parse_key(value_);
        if (!key) {
            error(value_, path, std::string{key_} + key.error());
            return;
        }
        target = SecretKey{*key};
        ::explicit_bzero(key->data(), key->size());
    }

    template <class T, class Parse>
    void take(T& target, const std::string& path, std::string_view text, const Parse& parse) {
        locate(path, text);
        auto value = parse(text);
        if (!value) {
            error(text, path, printable(text) + value.error());
            return;
        }
        target = static_cast<T>(std::move(*value));
    }

    template <class T, class Parse>
    void list(std::vector<T>& target, const std::string& path, const Parse& parse) {
        std::string_view rest = value_;
        for (;;) {
            const std::size_t comma = rest.find(',');
            const std::string_view item = trimmed(rest.substr(0, comma));
            T value;
            if (!item.empty()) {
                const std::size_t refused = file_.failed.size();
                take(value, path + "[" + std::to_string(target.size()) + "]", item, parse);
                if (file_.failed.size() == refused) {
                    target.push_back(value);
                }
            }
            if (comma == std::string_view::npos) {
                return;
            }
            rest.remove_prefix(comma + 1);
        }
    }

    [[nodiscard]] Peer& peer() { return file_.tunnel.peers.back(); }
    [[nodiscard]] std::string in_peer(std::string_view key) const {
        return "peers[" + std::to_string(file_.tunnel.peers.size() - 1) + "]." + std::string{key};
    }
    // `part` is of the line.
    [[nodiscard]] Position position_of(std::string_view part) const {
        return {
            number_,
            static_cast<std::size_t>(part.data() == nullptr ? 0 : part.data() - line_.data()) + 1};
    }
    void locate(const std::string& path, std::string_view part) {
        file_.locations[path] = position_of(part);
    }
    void report(Severity severity, std::string_view part, std::string text) {
        file_.diagnostics.push_back({severity, position_of(part), std::move(text)});
    }
    void error(std::string_view part, std::string path, std::string text) {
        if (!path.empty()) {
            file_.failed.push_back(std::move(path));
        }
        report(Severity::error, part, std::move(text));
    }

    static constexpr std::array kIgnored{
        Ignored{"preup", "commands are not run; nat, routes and local say what they are for"},
        Ignored{"postup", "commands are not run; nat, routes and local say what they are for"},
        Ignored{"predown", "commands are not run; nat, routes and local say what they are for"},
        Ignored{"postdown", "commands are not run; nat, routes and local say what they are for"},
        Ignored{"dns", "the resolver of the host is not changed; set it where the host has it"},
        Ignored{"fwmark", "outer packets have a routing table of their own; see wireguard.*.table"},
        Ignored{"saveconfig", "this file is never written; see wireguard.*.config"},
    };
    static const std::array<Row, 10> kRows;

    WgQuickFile& file_;
    std::string_view line_;
    std::size_t number_ = 0;
    std::string_view key_;
    std::string_view value_;
    Section section_ = Section::none;
    bool is_section_refused_ = false;
};

constexpr std::array<Parser::Row, 10> Parser::kRows{
    Row{Section::interface, "PrivateKey", &Parser::read_private_key},
    Row{Section::interface, "ListenPort", &Parser::read_listen_port},
    Row{Section::interface, "Address", &Parser::read_address},
    Row{Section::interface, "MTU", &Parser::read_mtu},
    Row{Section::interface, "Table", &Parser::read_table},
    Row{Section::peer, "PublicKey", &Parser::read_public_key},
    Row{Section::peer, "PresharedKey", &Parser::read_preshared_key},
    Row{Section::peer, "AllowedIPs", &Parser::read_allowed_ips},
    Row{Section::peer, "Endpoint", &Parser::read_endpoint},
    Row{Section::peer, "PersistentKeepalive", &Parser::read_keepalive},
};

}  // namespace

WgQuickFile parse_wg_quick(std::string_view text) {
    WgQuickFile file;
    if (auto refusal = check_encoding(text, kWgQuickBytesMax)) {
        file.diagnostics.push_back(std::move(*refusal));
        file.failed.emplace_back();
        return file;
    }
    Parser parser{file};
    for (std::size_t number = 1; !text.empty(); ++number) {
        const std::size_t end = text.find('\n');
        parser.line(text.substr(0, end), number);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    return file;
}

}  // namespace towpath::config
