// membarrier: the query tells of the global command, which works; what it does not tell of is refused.
#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "check.h"

static long membarrier(int command, unsigned flags) { return syscall(SYS_membarrier, command, flags, 0); }

int main(void) {
    const long commands = membarrier(0, 0);
    CHECK(commands > 0 && (commands & 1) == 1);
    CHECK(membarrier(1, 0) == 0);
    CHECK_ERROR(membarrier(1, 1), EINVAL);
    CHECK_ERROR(membarrier(1 << 30, 0), EINVAL);
    CHECK_END();
}
