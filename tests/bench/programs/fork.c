/* fork, page faults (copy-on-write), exit and wait. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static char pages[64 * 4096];

int main(int argc, char** argv) {
    const long rounds = argc > 1 ? atol(argv[1]) : 2000;
    long sum = 0;
    for (unsigned i = 0; i < sizeof pages; i += 4096) pages[i] = 1;
    for (long r = 0; r < rounds; ++r) {
        const pid_t child = fork();
        if (child == 0) {
            for (unsigned i = 0; i < sizeof pages; i += 4096) pages[i] = (char)r;
            _exit((int)(r & 63));
        }
        int status = 0;
        if (child < 0 || waitpid(child, &status, 0) != child) return 1;
        sum += WEXITSTATUS(status);
    }
    printf("%ld\n", sum);
    return 0;
}
