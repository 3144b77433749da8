// msgget, msgsnd, msgrcv, msgctl.
#include "ipc/msg.h"

#include "core/unique.h"
#include "syscall/syscalls.h"
#include "task/task.h"

namespace {

constexpr int kNoError = 010000, kExcept = 020000, kCopy = 040000;
constexpr int kMsgStat = 11, kMsgInfo = 12, kMsgStatAny = 13;

struct UserMsginfo {
    i32 msgpool, msgmap, msgmax, msgmnb, msgmni, msgssz, msgtql;
    u16 msgseg;
};

Result<Unique<Message>> load(u64 text, u64 size, i64 type) {
    Unique<Message> message = TRY(make_unique<Message>());
    message->type = type;
    Vec<char> bytes;
    TRY(bytes.resize(size + 1));
    TRY(UserBytes(text).copy_in(bytes.data(), size));
    TRY(message->text.append(bytes.data(), size));
    return message;
}

bool has_room(const MsgQueue& queue, u64 size) {
    return queue.bytes + size <= queue.max_bytes && queue.count + 1 <= queue.max_bytes;
}

/// What msgrcv asks for.
struct Wanted {
    i64 type;
    int flags;

    Message* find(MsgQueue& queue) const {
        if (flags & kCopy) return nth(queue);
        Message* best = nullptr;
        for (Message& m : queue.messages) {
            if (type < 0) {
                const i64 limit = type == INT64_MIN ? INT64_MAX : -type;
                if (m.type <= limit && (!best || m.type < best->type)) best = &m;
            } else if (type == 0 || (m.type == type) == !(flags & kExcept)) {
                return &m;
            }
        }
        return best;
    }

  private:
    Message* nth(MsgQueue& queue) const {
        i64 at = 0;
        for (Message& m : queue.messages) {
            if (at++ == type) return &m;
        }
        return nullptr;
    }
};

/// One try to receive: a message (a copy with MSG_COPY), or null when there is none.
Result<Unique<Message>> take(MsgQueue& queue, const Wanted& wanted, u64 size) {
    Message* found = wanted.find(queue);
    if (!found) return Unique<Message>();
    if (size < found->text.size() && !(wanted.flags & kNoError)) return Errno::E2BIG;
    if (wanted.flags & kCopy) {
        Unique<Message> copy = TRY(make_unique<Message>());
        copy->type = found->type;
        TRY(copy->text.append(found->text.c_str(), found->text.size()));
        return copy;
    }
    found->node.remove();
    queue.bytes -= found->text.size();
    queue.count--;
    queue.rtime = ipc_now();
    queue.last_receiver = current()->vtgid;
    return Unique<Message>(found);
}

/// Sleeps until `queue` may let the caller go on; EIDRM once it is gone.
template <class Condition>
Result<void> wait_for(IpcTableOf<MsgQueue>& table, MsgQueue& queue, Condition condition) {
    const Result<void> waited = wait_event(queue.changed, [&] {
        const auto locked = table.lock();
        return queue.deleted || condition();
    });
    if (!waited.ok()) return Errno::ERESTARTNOHAND;
    const auto locked = table.lock();
    return queue.deleted ? Result<void>(Errno::EIDRM) : Result<void>();
}

SysResult stat(int id, int command, UserBytes buffer) {
    UserMsqidDs ds = {};
    long result = 0;
    {
        auto table = current_ipc().msg.lock();
        RefPtr<MsgQueue> q;
        if (command == kIpcStat) {
            q = TRY(table->find(id));
        } else {
            q = table->at(id);
            if (!q) return Errno::EINVAL;
            result = q->id;
        }
        if (command != kMsgStatAny) TRY(ipc_may(*q, kIpcRead));
        ds = {ipc_perm_of(*q), q->stime,     q->rtime,       q->ctime,         q->bytes,
              q->count,        q->max_bytes, q->last_sender, q->last_receiver, {}};
    }
    TRY(UserPtr<UserMsqidDs>(buffer.address()).write(ds));
    return long{result};
}

SysResult info(int command, UserBytes buffer) {
    IpcNamespace& ns = current_ipc();
    UserMsginfo out = {};
    const i32 queues = static_cast<i32>(ns.msgmni), bytes = static_cast<i32>(ns.msgmnb);
    out.msgmax = static_cast<i32>(ns.msgmax);
    out.msgmnb = bytes;
    out.msgmni = queues;
    out.msgssz = 16;
    out.msgseg = 0xffff;
    out.msgpool = static_cast<i32>(i64{queues} * bytes / 1024);
    out.msgmap = out.msgtql = bytes;
    long highest;
    {
        auto table = ns.msg.lock();
        if (command == kMsgInfo) {
            out.msgpool = static_cast<i32>(table->count());
            out.msgmap = out.msgtql = 0;
            table->for_each([&](const MsgQueue& q) {
                out.msgmap += static_cast<i32>(q.count);
                out.msgtql += static_cast<i32>(q.bytes);
            });
        }
        highest = table->highest();
    }
    TRY(buffer.copy_out(&out, sizeof(out)));
    return long{highest};
}

SysResult remove(int id) {
    RefPtr<MsgQueue> queue, gone;
    {
        auto table = current_ipc().msg.lock();
        queue = TRY(table->find(id));
        TRY(ipc_may_control(*queue));
        gone = table->remove(*queue);
    }
    queue->changed.wake_all();
    return 0L;
}

SysResult set(int id, UserBytes buffer) {
    IpcNamespace& ns = current_ipc();
    const UserMsqidDs ds = TRY(UserPtr<UserMsqidDs>(buffer.address()).read());
    RefPtr<MsgQueue> queue;
    {
        auto table = ns.msg.lock();
        queue = TRY(table->find(id));
        TRY(ipc_may_control(*queue));
        if (ds.max_bytes > ns.msgmnb && !current()->cred.has(kCapSysResource)) return Errno::EPERM;
        queue->max_bytes = ds.max_bytes;
        TRY(ipc_set(*queue, ds.perm));
    }
    queue->changed.wake_all();  // there may be room now, or a right gone
    return 0L;
}

}  // namespace

MsgQueue::~MsgQueue() {
    while (Message* message = messages.pop_front()) delete message;
}

SysResult sys_msgget(i32 key, int flags) {
    IpcNamespace& ns = current_ipc();
    const auto make = [&]() -> Result<RefPtr<MsgQueue>> {
        RefPtr<MsgQueue> queue = TRY(make_ref<MsgQueue>());
        queue->max_bytes = ns.msgmnb;
        return queue;
    };
    return long{
        TRY(ipc_get(ns.msg, key, flags, ns.msgmni, make, [](const MsgQueue&) { return Result<void>(); }))};
}

SysResult sys_msgsnd(int id, u64 buffer, u64 size, int flags) {
    IpcNamespace& ns = current_ipc();
    const i64 type = TRY(UserPtr<UserLong>(buffer).read()).value;
    if (size > ns.msgmax || static_cast<i64>(size) < 0 || id < 0 || type < 1) return Errno::EINVAL;
    Unique<Message> message = TRY(load(buffer + user_size<UserLong>(), size, type));
    RefPtr<MsgQueue> queue;
    for (;;) {
        {
            auto table = ns.msg.lock();
            if (!queue) queue = TRY(table->find(id));
            if (queue->deleted) return Errno::EIDRM;
            TRY(ipc_may(*queue, kIpcWrite));
            if (has_room(*queue, size)) {
                queue->messages.push_back(message.leak());
                queue->bytes += size;
                queue->count++;
                queue->stime = ipc_now();
                queue->last_sender = current()->vtgid;
                break;
            }
        }
        if (flags & kIpcNowait) return Errno::EAGAIN;
        TRY(wait_for(ns.msg, *queue, [&] { return has_room(*queue, size); }));
    }
    queue->changed.wake_all();
    return 0L;
}

SysResult sys_msgrcv(int id, u64 buffer, u64 size, i64 type, int flags) {
    IpcNamespace& ns = current_ipc();
    if (id < 0 || static_cast<i64>(size) < 0) return Errno::EINVAL;
    if (flags & kCopy && (flags & kExcept || !(flags & kIpcNowait))) return Errno::EINVAL;
    const Wanted wanted = {type, flags};
    RefPtr<MsgQueue> queue;
    Unique<Message> message;
    for (;;) {
        {
            auto table = ns.msg.lock();
            if (!queue) queue = TRY(table->find(id));
            if (queue->deleted) return Errno::EIDRM;
            TRY(ipc_may(*queue, kIpcRead));
            message = TRY(take(*queue, wanted, size));
        }
        if (message) break;
        if (flags & kIpcNowait) return Errno::ENOMSG;
        TRY(wait_for(ns.msg, *queue, [&] { return wanted.find(*queue) != nullptr; }));
    }
    queue->changed.wake_all();
    const u64 given = min<u64>(size, message->text.size());
    TRY(UserPtr<UserLong>(buffer).write({message->type}));
    TRY(UserBytes(buffer + user_size<UserLong>()).copy_out(message->text.c_str(), given));
    return static_cast<long>(given);
}

SysResult sys_msgctl(int id, int command, UserBytes buffer) {
    if (id < 0 || command < 0) return Errno::EINVAL;
    switch (command) {
        case kIpcInfo:
        case kMsgInfo:
            return info(command, buffer);
        case kIpcStat:
        case kMsgStat:
        case kMsgStatAny:
            return stat(id, command, buffer);
        case kIpcSet:
            return set(id, buffer);
        case kIpcRmid:
            return remove(id);
        default:
            return Errno::EINVAL;
    }
}
