/* Two processes pass a byte to and fro over pipes: system calls and context switches. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char** argv) {
    const long rounds = argc > 1 ? atol(argv[1]) : 50000;
    int there[2], back[2];
    char byte = 'x';
    if (pipe(there) || pipe(back)) return 1;
    if (fork() == 0) {
        for (long r = 0; r < rounds; ++r)
            if (read(there[0], &byte, 1) != 1 || write(back[1], &byte, 1) != 1) _exit(1);
        _exit(0);
    }
    for (long r = 0; r < rounds; ++r)
        if (write(there[1], &byte, 1) != 1 || read(back[0], &byte, 1) != 1) return 1;
    wait(0);
    printf("%ld\n", rounds);
    return 0;
}
