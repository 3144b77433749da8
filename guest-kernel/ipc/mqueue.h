// POSIX message queues (mq_overview(7)) and the file system in which they have their names.
//
// Guarantees: the message of the highest priority comes first, of equal ones the oldest; what a user's queues may hold
// is within RLIMIT_MSGQUEUE.
#pragma once

#include "abi/call_layout.h"
#include "core/list.h"
#include "fs/file.h"
#include "sync/guarded.h"
#include "sync/wait_queue.h"

struct UserMqAttr {  // struct mq_attr
    i64 flags, maxmsg, msgsize, curmsgs, reserved[4];
};
static_assert(sizeof(UserMqAttr) == 64);
template <>
struct Ia32Layout<UserMqAttr> {
    struct Small {
        i32 flags, maxmsg, msgsize, curmsgs, reserved[4];
    };
    static Result<UserMqAttr> widen(const Small& s) {
        return UserMqAttr{s.flags, s.maxmsg, s.msgsize, s.curmsgs, {}};
    }
    static Result<void> narrow(const UserMqAttr& a, Small& out) {
        out = {static_cast<i32>(a.flags),
               static_cast<i32>(a.maxmsg),
               static_cast<i32>(a.msgsize),
               static_cast<i32>(a.curmsgs),
               {}};
        return {};
    }
};

struct MqMessage {
    ListNode node;
    u32 priority = 0;
    KString text;
};

class MqInode final : public Inode {
  public:
    MqInode(SuperBlock* super, u64 number, u32 new_mode, const UserMqAttr& attr, uid_t payer);
    ~MqInode() override;
    Result<RefPtr<File>> open(int flags) override;

    struct State {
        List<MqMessage, &MqMessage::node> messages;  // in the order in which they are received
        i64 count = 0;
        u64 bytes = 0;
        // mq_notify: who is told when a message comes to an empty queue that nobody waits on
        const void* notified = nullptr;  // the process's SignalStruct
        pid_t notified_pid = 0;
        int notify_kind = 0, notify_signal = 0;
        u64 notify_value = 0;
        u32 receivers = 0;  // waiting
    };
    Guarded<State, LockRank::kIpc> state;
    WaitQueue changed;
    const i64 maxmsg, msgsize;

  private:
    const uid_t payer_;
    const u64 charged_;
};

/// Makes "mqueue" known to mount(2).
void init_mqueue();
extern u32 mqueue_queues_max, mqueue_msg_max, mqueue_msgsize_max;
