// System V shared memory: sharing, counting of attachments, flags, permissions, removal, limits.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

#define KEY 0x4f727279

static struct shmid_ds ds;
static int attached(int id) { return shmctl(id, IPC_STAT, &ds) == 0 ? (int)ds.shm_nattch : -1; }
static int status_of(pid_t pid) {
    int status;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

int main(void) {
    int id = shmget(IPC_PRIVATE, 10000, IPC_CREAT | 0600);
    CHECK(id >= 0);
    CHECK(attached(id) == 0 && ds.shm_segsz == 10000 && ds.shm_cpid == getpid() && ds.shm_lpid == 0);
    CHECK((ds.shm_perm.mode & 01777) == 0600 && ds.shm_perm.uid == geteuid() && ds.shm_perm.cuid == geteuid());
    CHECK(ds.shm_atime == 0 && ds.shm_dtime == 0 && ds.shm_ctime != 0);
    char* a = shmat(id, 0, 0);
    CHECK(a != (char*)-1 && a[0] == 0 && a[9999] == 0 && a[12287] == 0);
    char* b = shmat(id, 0, SHM_RDONLY);
    CHECK(attached(id) == 2 && ds.shm_lpid == getpid() && ds.shm_atime != 0);
    strcpy(a + 5000, "shared");
    CHECK(strcmp(b + 5000, "shared") == 0);
    pid_t child = fork();
    if (child == 0) {
        int good = attached(id) == 4 && strcmp(b + 5000, "shared") == 0;
        strcpy(a + 5000, "child");
        _exit(good ? 3 : 1);
    }
    CHECK(status_of(child) == 3);
    CHECK(strcmp(b + 5000, "child") == 0);
    CHECK(attached(id) == 2 && ds.shm_lpid == child && ds.shm_dtime != 0);
    child = fork();
    if (child == 0) {
        b[0] = 1;
        _exit(0);
    }
    CHECK(status_of(child) == -11);
    CHECK(munmap(a + 4096, 4096) == 0);
    CHECK(attached(id) == 3);
    CHECK(shmdt(a) == 0);
    CHECK(attached(id) == 1);
    CHECK_ERROR(shmdt(a), EINVAL);
    CHECK_ERROR(shmdt(b + 1), EINVAL);
    CHECK_ERROR(shmdt(&ds), EINVAL);

    char* where = mmap(0, 1 << 20, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK_ERROR(shmat(id, where, 0), EINVAL);
    CHECK_ERROR(shmat(id, where + 100, SHM_REMAP), EINVAL);
    CHECK(shmat(id, where + 100, SHM_REMAP | SHM_RND) == where);
    CHECK_ERROR(shmat(id, 0, SHM_REMAP), EINVAL);
    CHECK(strcmp(where + 5000, "child") == 0);
    CHECK(shmdt(where) == 0);
    munmap(where, 1 << 20);
    CHECK_ERROR(shmat(-1, 0, 0), EINVAL);
    CHECK_ERROR(shmat(0x7fffffff, 0, 0), EINVAL);

    CHECK(shmctl(id, IPC_RMID, 0) == 0);
    CHECK(attached(id) == 1 && (ds.shm_perm.mode & 01000) && ds.shm_perm.__key == 0);
    CHECK(strcmp(b + 5000, "child") == 0);
    char* c = shmat(id, 0, 0);
    CHECK(c != (char*)-1);
    CHECK(shmdt(c) == 0 && shmdt(b) == 0);
    CHECK_ERROR(shmctl(id, IPC_STAT, &ds), EINVAL);
    CHECK_ERROR(shmctl(id, IPC_RMID, 0), EINVAL);

    CHECK_ERROR(shmget(KEY, 4096, 0600), ENOENT);
    id = shmget(KEY, 4096, IPC_CREAT | 0640);
    CHECK(id >= 0 && shmget(KEY, 4096, 0) == id && shmget(KEY, 0, IPC_CREAT) == id);
    CHECK_ERROR(shmget(KEY, 4096, IPC_CREAT | IPC_EXCL | 0600), EEXIST);
    CHECK_ERROR(shmget(KEY, 4097, 0), EINVAL);
    CHECK_ERROR(shmget(IPC_PRIVATE, 0, IPC_CREAT), EINVAL);
    CHECK_ERROR(shmctl(id, IPC_STAT, (void*)8), EFAULT);
    CHECK_ERROR(shmctl(id, 99, &ds), EINVAL);
    CHECK_ERROR(shmctl(-1, IPC_STAT, &ds), EINVAL);
    child = fork();
    if (child == 0) {
        if (setgid(1000) || setuid(1000)) _exit(9);
        int good = shmget(KEY, 0, 0400) == -1 && errno == EACCES;
        good = good && shmget(KEY, 0, 0) == id;
        good = good && shmat(id, 0, SHM_RDONLY) == (void*)-1 && errno == EACCES;
        good = good && shmctl(id, IPC_STAT, &ds) == -1 && errno == EACCES;
        good = good && shmctl(id, IPC_RMID, 0) == -1 && errno == EPERM;
        good = good && shmctl(id, SHM_LOCK, 0) == -1 && errno == EPERM;
        _exit(good ? 0 : 1);
    }
    CHECK(status_of(child) == 0);
    shmctl(id, IPC_STAT, &ds);
    ds.shm_perm.mode = 0604;
    ds.shm_perm.uid = 7;
    CHECK(shmctl(id, IPC_SET, &ds) == 0 && shmctl(id, IPC_STAT, &ds) == 0);
    CHECK((ds.shm_perm.mode & 0777) == 0604 && ds.shm_perm.uid == 7 && ds.shm_perm.cuid == 0);
    child = fork();
    if (child == 0) {
        if (setgid(1000) || setuid(1000)) _exit(9);
        _exit(shmat(id, 0, SHM_RDONLY) != (void*)-1 && shmat(id, 0, 0) == (void*)-1 && errno == EACCES ? 0 : 1);
    }
    CHECK(status_of(child) == 0);
    CHECK(shmctl(id, SHM_LOCK, 0) == 0 && shmctl(id, IPC_STAT, &ds) == 0 && (ds.shm_perm.mode & 02000));
    CHECK(shmctl(id, SHM_UNLOCK, 0) == 0);
    struct shminfo limits;
    CHECK(shmctl(0, IPC_INFO, (void*)&limits) >= 0 && limits.shmmin == 1 && limits.shmmni >= 4096);
    struct shm_info use;
    CHECK(shmctl(0, SHM_INFO, (void*)&use) >= 0 && use.used_ids >= 1 && use.shm_tot >= 1);
    int highest = shmctl(0, SHM_INFO, (void*)&use), found = 0;
    for (int i = 0; i <= highest; i++) found |= shmctl(i, SHM_STAT, &ds) == id;
    CHECK(found);
    CHECK_ERROR(shmctl(32767, SHM_STAT, &ds), EINVAL);
    int old = id;
    CHECK(shmctl(id, IPC_RMID, 0) == 0);
    CHECK_ERROR(shmat(old, 0, 0), EINVAL);
    CHECK_ERROR(shmget(KEY, 0, 0), ENOENT);

    // One that a program leaves attached at its end goes with it.
    id = shmget(IPC_PRIVATE, 4096, 0600);
    child = fork();
    if (child == 0) {
        shmat(id, 0, 0);
        shmctl(id, IPC_RMID, 0);
        _exit(attached(id) == 1 ? 0 : 1);
    }
    CHECK(status_of(child) == 0);
    CHECK_ERROR(shmctl(id, IPC_STAT, &ds), EINVAL);
    CHECK_END();
}
