// What every namespace has (namespaces(7)): the number that tells it from others. Its kind is where it is found.
#pragma once

#include "core/refcount.h"

struct Namespace : RefCounted {
    explicit Namespace(u64 number) : ino(number) {}
    const u64 ino;  ///< as stat(2) of /proc/PID/ns shows it
};
