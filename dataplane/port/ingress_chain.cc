// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/port/ingress_chain.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <array>
#include <cerrno>
#include <cstddef>

#include "dataplane/port/file_descriptor.h"

namespace towpath::port {
namespace {

constexpr std::int32_t kPriority = -500;  // before any other chain
constexpr timeval kPatience{1, 0};        // the kernel answers at once

std::string table_name(unsigned device_index, std::uint32_t mark) {
    return "towpath_guard_" + std::to_string(device_index) + "_" + std::to_string(mark);
}

// Messages to the kernel's tables: changes in one transaction, or a question outside of any.
class Conversation {
public:
    enum class Kind : std::uint8_t { question, transaction };

    explicit Conversation(Kind kind) : kind_{kind} { frame(NFNL_MSG_BATCH_BEGIN); }

    // A message about netdev tables; its attributes follow.
    nlmsghdr* message(unsigned type, unsigned flags) {
        nlmsghdr* const header =
            begin(static_cast<std::uint16_t>(NFNL_SUBSYS_NFTABLES << 8U | type),
                  static_cast<std::uint16_t>(NLM_F_REQUEST | NLM_F_ACK | flags), NFPROTO_NETDEV, 0);
        ++answers_;
        return header;
    }
    // Negative errno of the first message that failed.
    [[nodiscard]] int send() {
        frame(NFNL_MSG_BATCH_END);
        finish();
        const FileDescriptor socket{
            ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER)};
        if (!socket.is_open() ||
            ::setsockopt(socket.number(), SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof kPatience) !=
                0 ||
            ::send(socket.number(), bytes_.data(), used_, 0) != static_cast<ssize_t>(used_)) {
            return -errno;
        }
        return answer(socket.number());
    }

private:
    void finish() {
        used_ += open_ != nullptr ? MNL_ALIGN(open_->nlmsg_len) : 0;
        open_ = nullptr;
    }
    nlmsghdr* begin(std::uint16_t type, std::uint16_t flags, std::uint8_t family,
                    std::uint16_t resource) {
        finish();
        open_ = mnl_nlmsg_put_header(bytes_.data() + used_);
        open_->nlmsg_type = type;
        open_->nlmsg_flags = flags;
        auto* const body =
            static_cast<nfgenmsg*>(mnl_nlmsg_put_extra_header(open_, sizeof(nfgenmsg)));
        body->nfgen_family = family;
        body->version = NFNETLINK_V0;
        body->res_id = htons(resource);
        return open_;
    }
    void frame(std::uint16_t type) {
        if (kind_ == Kind::transaction) {
            begin(type, NLM_F_REQUEST, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
        }
    }

    [[nodiscard]] int answer(int socket) const {
        alignas(nlmsghdr) std::array<std::byte, 4096> said{};
        for (int left = answers_; left > 0;) {
            ssize_t length = ::recv(socket, said.data(), said.size(), 0);
            if (length < 0) {
                return -errno;
            }
            int rest = static_cast<int>(length);
            for (const nlmsghdr* one = reinterpret_cast<const nlmsghdr*>(said.data());
                 mnl_nlmsg_ok(one, rest); one = mnl_nlmsg_next(one, &rest)) {
                if (one->nlmsg_type != NLMSG_ERROR) {
                    continue;
                }
                const auto* const verdict =
                    static_cast<const nlmsgerr*>(mnl_nlmsg_get_payload(one));
                if (verdict->error != 0) {
                    return verdict->error;
                }
                --left;
            }
        }
        return 0;
    }

    Kind kind_;
    alignas(nlmsghdr) std::array<std::byte, 2048> bytes_{};
    std::size_t used_ = 0;
    nlmsghdr* open_ = nullptr;
    int answers_ = 0;
};

}  // namespace

int add_ingress_chain(unsigned device_index, const std::string& device, std::uint32_t mark) {
    const std::string name = table_name(device_index, mark);
    Conversation conversation{Conversation::Kind::transaction};
    nlmsghdr* const table = conversation.message(NFT_MSG_NEWTABLE, NLM_F_CREATE);
    mnl_attr_put_strz(table, NFTA_TABLE_NAME, name.c_str());
    nlmsghdr* const chain = conversation.message(NFT_MSG_NEWCHAIN, NLM_F_CREATE);
    mnl_attr_put_strz(chain, NFTA_CHAIN_TABLE, name.c_str());
    mnl_attr_put_strz(chain, NFTA_CHAIN_NAME, "ingress");
    nlattr* const hook = mnl_attr_nest_start(chain, NFTA_CHAIN_HOOK);
    mnl_attr_put_u32(chain, NFTA_HOOK_HOOKNUM, htonl(NF_NETDEV_INGRESS));
    mnl_attr_put_u32(chain, NFTA_HOOK_PRIORITY, htonl(static_cast<std::uint32_t>(kPriority)));
    mnl_attr_put_strz(chain, NFTA_HOOK_DEV, device.c_str());
    mnl_attr_nest_end(chain, hook);
    mnl_attr_put_u32(chain, NFTA_CHAIN_POLICY, htonl(NF_DROP));
    mnl_attr_put_strz(chain, NFTA_CHAIN_TYPE, "filter");
    return conversation.send();
}

bool has_ingress_chain(unsigned device_index, std::uint32_t mark) {
    Conversation conversation{Conversation::Kind::question};
    nlmsghdr* const chain = conversation.message(NFT_MSG_GETCHAIN, 0);
    mnl_attr_put_strz(chain, NFTA_CHAIN_TABLE, table_name(device_index, mark).c_str());
    mnl_attr_put_strz(chain, NFTA_CHAIN_NAME, "ingress");
    return conversation.send() == 0;
}

void remove_ingress_chain(unsigned device_index, std::uint32_t mark) {
    Conversation conversation{Conversation::Kind::transaction};
    nlmsghdr* const table = conversation.message(NFT_MSG_DELTABLE, 0);
    mnl_attr_put_strz(table, NFTA_TABLE_NAME, table_name(device_index, mark).c_str());
    (void)conversation.send();
}

}  // namespace towpath::port
