// kthreadd (task/kthread.h).
#include "task/kthread.h"

#include "core/panic.h"
#include "sync/guarded.h"
#include "sync/hashed_wait.h"
#include "task/fork.h"

namespace {

struct Request {
    void (*function)(void*);
    void* argument;
    const char* name;
    ListNode node;
    Errno error = Errno::OK;
    bool done = false;
};
using Requests = List<Request, &Request::node>;
Guarded<Requests, LockRank::kKthreads> g_requests;
WaitQueue g_work;

[[noreturn]] void kthreadd(void*) {
    for (;;) {
        Request* request = nullptr;
        (void)wait_event(g_work, [&] { return (request = g_requests.lock()->pop_front()) != nullptr; });
        if (!request) continue;
        const Result<pid_t> made = kernel_thread(request->function, request->argument, request->name);
        if (!made.ok()) request->error = made.error();
        WaitQueue& queue = hashed_wait_queue(request);
        __atomic_store_n(&request->done, true, __ATOMIC_RELEASE);  // the request may be gone from here on
        queue.wake_all();
    }
}

}  // namespace

void start_kthreadd() {
    if (!kernel_thread(kthreadd, nullptr, "kthreadd").ok()) panic("cannot make kthreadd");
}

Result<void> kthread_run(void (*function)(void*), void* argument, const char* name) {
    Request request{function, argument, name, {}};
    g_requests.lock()->push_back(&request);
    g_work.wake_all();
    wait_event_uninterruptible(hashed_wait_queue(&request),
                               [&] { return __atomic_load_n(&request.done, __ATOMIC_ACQUIRE); });
    return request.error == Errno::OK ? Result<void>() : Result<void>(request.error);
}
