// What every namespace has (namespaces(7)): the number that tells it from others, and the user namespace that owns it.
#pragma once

#include "core/refcount.h"

struct UserCounts;
struct UserNamespace;

/// The kinds whose number is limited for each user (/proc/sys/user/max_…_namespaces).
enum class CountedNs : u8 { kUser, kPid, kUts, kIpc, kNet, kMnt, kCgroup, kTime, kCount };

struct Namespace : RefCounted {
    /// One that exists from the beginning.
    explicit Namespace(u64 number) : ino(number) {}
    /// One owned by `owner_ns`; `payer` counts it as one of `counted` (charge_namespace).
    Namespace(u64 number, UserNamespace* owner_ns, UserCounts* payer, CountedNs counted);
    ~Namespace() override;
    const u64 ino;                         ///< as stat(2) of /proc/PID/ns shows it
    UserNamespace* const owner = nullptr;  ///< null: the first user namespace

  private:
    UserCounts* const payer_ = nullptr;
    const CountedNs counted_ = CountedNs::kUser;
};
