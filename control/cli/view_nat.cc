// SPDX-License-Identifier: BSD-3-Clause
#include "control/cli/field.h"
#include "control/cli/view.h"

namespace towpath::control::cli {
namespace {

namespace json = boost::json;

std::string filter_sentence(const std::string& filtering) {
    if (filtering == "endpoint-independent") {
        return filtering + ": any remote may send";
    }
    if (filtering == "address-dependent") {
        return filtering + ": remotes that the inside has sent to may send, from any port";
    }
    return filtering + ": only endpoints that the inside has sent to may send";
}

std::string changes(const json::value& answer, std::string_view path, const std::string& mark,
                    const std::string& meaning) {
    std::string lines;
    for (const json::value& change : list_at(answer, path)) {
        lines += mark + " " + text_at(change, "/what") + "  " + meaning + "\n";
    }
    return lines;
}

// With sessions a mapping ends with the last of them: there is no time to name.
std::string expiry(const json::value& mapping) {
    return flag_at(mapping, "/tracked") ? "-" : duration(count_at(mapping, "/expires_s"));
}

// A remote without a port stands for all ports of its address.
std::string remotes(const json::value& mapping) {
    Table table{{Align::left, Align::left, Align::left}};
    const json::array& listed = list_at(mapping, "/remotes");
    for (const json::value& remote : listed) {
        table.row({"  " + text_at(remote, "/remote"), text_at(remote, "/state"),
                   "idle " + duration(count_at(remote, "/idle_s"))});
    }
    const std::uint64_t sessions = count_at(mapping, "/sessions");
    std::string text = "remotes  " + grouped(sessions);
    text += listed.size() < sessions ? ", " + grouped(listed.size()) + " shown\n" : "\n";
    return text + table.text();
}

std::string lines_of(const json::value& answer, std::string_view path) {
    std::string lines;
    for (const json::value& line : list_at(answer, path)) {
        lines += text_at(line, "") + "\n";
    }
    return lines;
}

}  // namespace

std::string show_mappings(const json::value& answer, const Palette&) {
    Table table{{Align::left, Align::left, Align::left, Align::right, Align::right, Align::right,
                 Align::right}};
    table.row({"PROTO", "INSIDE", "OUTSIDE", "AGE", "IDLE", "EXPIRES", "SESSIONS"});
    const json::array& mappings = list_at(answer, "/mappings");
    for (const json::value& mapping : mappings) {
        table.row({text_at(mapping, "/protocol"), text_at(mapping, "/inside"),
                   text_at(mapping, "/outside"), duration(count_at(mapping, "/age_s")),
                   duration(count_at(mapping, "/idle_s")), expiry(mapping),
                   flag_at(mapping, "/tracked") ? grouped(count_at(mapping, "/sessions")) : "-"});
    }
    std::string text = mappings.empty() ? "no mappings\n" : table.text();
    if (flag_at(answer, "/has_more")) {
        text += "there are more: --limit N shows N\n";
    }
    return text;
}

std::string show_lookup(const json::value& answer, const Palette&) {
    const json::value* found =
        answer.is_object() ? answer.get_object().if_contains("mapping") : nullptr;
    if (found == nullptr || !found->is_object()) {
        return "no mapping\n";
    }
    const json::value& mapping = *found;
    const bool is_tracked = flag_at(mapping, "/tracked");
    const std::string filtering = text_at(mapping, "/filtering");
    std::string text = "mapping  " + text_at(mapping, "/inside") + "/" +
                       text_at(mapping, "/protocol") + " <-> " + text_at(mapping, "/outside") +
                       "   age " + duration(count_at(mapping, "/age_s")) + "  idle " +
                       duration(count_at(mapping, "/idle_s")) + "  expires " + expiry(mapping) +
                       "  worker " + std::to_string(count_at(mapping, "/worker")) + "\n";
    text += "filter   " + filter_sentence(filtering) + "\n";
    if (!is_tracked) {
        return text + "remotes  not tracked (" + filtering + ")\n";
    }
    return text + remotes(mapping);
}

std::string show_ports(const json::value& answer, const Palette&) {
    Table table{{Align::left, Align::left, Align::right, Align::right, Align::right, Align::right,
                 Align::right}};
    table.row({"ADDRESS", "PROTO", "IN USE", "FREE", "HELD", "RESERVED", "FAILURES"});
    for (const json::value& usage : list_at(answer, "/ports")) {
        table.row({text_at(usage, "/address"), text_at(usage, "/protocol"),
                   grouped(count_at(usage, "/in_use")), grouped(count_at(usage, "/free")),
                   grouped(count_at(usage, "/held_down")), grouped(count_at(usage, "/reserved")),
                   grouped(count_at(usage, "/failures"))});
    }
    return table.text();
}

std::string show_reload(const json::value& answer, const Palette& palette) {
    std::string text = lines_of(answer, "/errors") + lines_of(answer, "/warnings");
    if (!flag_at(answer, "/ok")) {
        return text + palette.paint(Color::red, "refused") +
               ": the running configuration is unchanged\n";
    }
    const std::size_t applied = list_at(answer, "/applied").size();
    const std::size_t held = list_at(answer, "/needs_restart").size();
    text += changes(answer, "/applied", "~", "live");
    text += changes(answer, "/needs_restart", "!", "needs a restart, held back");
    if (applied == 0 && held == 0) {
        return text + "nothing changed\n";
    }
    return text + "applied " + std::to_string(applied) + " of " + std::to_string(applied + held) +
           ", generation " + std::to_string(count_at(answer, "/generation")) + "\n";
}

}  // namespace towpath::control::cli
