// membarrier: the query tells of the commands, which work once they are registered; what it does not tell of is refused.
// Two threads store and load with no barrier of their own on one side: never do both miss the other's store.
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "check.h"

enum { GLOBAL = 1, GLOBAL_EXPEDITED = 2, PRIVATE = 8, REGISTER_PRIVATE = 16, SYNC_CORE = 32, REGISTER_SYNC_CORE = 64, RSEQ = 128, REGISTER_RSEQ = 256 };

static long membarrier(int command, unsigned flags) { return syscall(SYS_membarrier, command, flags, 0); }

static volatile int x, y, seen_x, seen_y, round_number, done;
static void *fast_side(void *unused) {
    for (int mine = 1; mine <= 300; mine++) {
        while (round_number != mine) sched_yield();
        x = mine;
        __asm__ volatile("" ::: "memory");
        seen_y = y;
        done = mine;
    }
    return unused;
}

int main(void) {
    const long commands = membarrier(0, 0);
    CHECK(commands > 0 && (commands & 1) == 1);
    CHECK(membarrier(GLOBAL, 0) == 0);
    CHECK(membarrier(GLOBAL_EXPEDITED, 0) == 0);
    CHECK_ERROR(membarrier(GLOBAL, 1), EINVAL);
    CHECK_ERROR(membarrier(1 << 30, 0), EINVAL);
    CHECK((commands & 0x1ff) == 0x1ff);
    CHECK_ERROR(membarrier(PRIVATE, 0), EPERM);
    CHECK(membarrier(REGISTER_PRIVATE, 0) == 0);
    CHECK(membarrier(PRIVATE, 0) == 0);
    CHECK_ERROR(membarrier(PRIVATE, 1), EINVAL);
    CHECK_ERROR(membarrier(SYNC_CORE, 0), EPERM);
    CHECK(membarrier(REGISTER_SYNC_CORE, 0) == 0);
    CHECK(membarrier(SYNC_CORE, 0) == 0);
    CHECK_ERROR(membarrier(RSEQ, 0), EPERM);
    CHECK(membarrier(REGISTER_RSEQ, 0) == 0);
    CHECK(membarrier(RSEQ, 0) == 0);
    CHECK(membarrier(RSEQ, 1) == 0);

    pthread_t thread;
    int missed = 0;
    pthread_create(&thread, 0, fast_side, 0);
    for (int round = 1; round <= 300; round++) {
        x = y = 0;
        round_number = round;
        y = round;
        membarrier(PRIVATE, 0);
        seen_x = x;
        while (done != round) sched_yield();
        missed += seen_x != round && seen_y != round;
    }
    pthread_join(thread, 0);
    CHECK(missed == 0);
    CHECK_END();
}
