// Counts of queued signals by user (task/queued_signals.h): a short list of users who have any.
#include "task/queued_signals.h"

#include "core/list.h"
#include "core/refcount.h"
#include "sync/spinlock.h"

namespace {

struct UserCount {
    ListNode node;
    uid_t uid = 0;
    u64 count = 0;
};
List<UserCount, &UserCount::node> users;
SpinLock users_lock{LockRank::kQueuedSignals};

UserCount* find(uid_t uid) {
    for (UserCount& user : users) {
        if (user.uid == uid) return &user;
    }
    return nullptr;
}

}  // namespace

bool charge_queued_signal(uid_t uid, u64 limit) {
    IrqGuard guard(users_lock);
    UserCount* user = find(uid);
    if ((user ? user->count : 0) >= limit) return false;
    if (!user) {
        user = new (std::nothrow) UserCount;
        if (!user) return false;
        user->uid = uid;
        users.push_back(user);
    }
    user->count++;
    return true;
}

void uncharge_queued_signal(uid_t uid) {
    IrqGuard guard(users_lock);
    UserCount* user = find(uid);
    if (--user->count > 0) return;
    user->node.remove();
    delete user;
}
