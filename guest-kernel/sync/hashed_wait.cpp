// The table of shared wait queues (sync/hashed_wait.h).
#include "sync/hashed_wait.h"

namespace {
constexpr unsigned kBits = 8;
WaitQueue g_queues[1u << kBits];
}  // namespace

WaitQueue& hashed_wait_queue(const void* thing) {
    return g_queues[reinterpret_cast<u64>(thing) * 0x9e3779b97f4a7c15ull >> (64 - kBits)];
}
