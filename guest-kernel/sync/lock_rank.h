// The order in which locks may be taken: a task or CPU that holds a rank may only take a higher one.
//
// Guarantees: SpinLock and Mutex check it on every lock() and BUG on a violation, so a possible deadlock
// shows up in the first run that takes the locks in a wrong order, not in the rare one that hangs.
#pragma once

#include "core/types.h"

enum class LockRank : u8 {
    // Sleeping locks (Mutex), outermost first.
    kTty = 10,
    kFilePosition = 12,   // an open file's position: outermost of read(), write(), getdents()
    kFsContext = 13,      // a file system that is being configured
    kIdMaps = 13,         // the writing of a user namespace's maps
    kNamespace = 14,      // mount table, rename
    kLoop = 15,           // loop devices: their files are given and taken
    kOverlay = 16,        // an overlay inode's mutex, of directories and files
    kOverlayChange = 17,  // changes of an overlay as wholes
    kDirectory = 18,      // an inode's mutex, for directories (parents before children: lock_nested)
    kInode = 20,          // an inode's mutex, for files: held while copying to and from a program
    kPipe = 22,
    kFile = 24,   // an open file's position, epoll sets
    kFiles = 26,  // a FilesStruct
    kFutexMm = 28,
    kMm = 30,  // mm_struct::mmap_lock: taken by page faults, so by every user copy

    kXattrs = 34,  // extended attributes in memory

    // What a page fault may take to read a file, and hold while it waits for the disk. An inode's mutex is not
    // among them: it is held around user copies. So what get_page needs of a file has locks of its own.
    kBlockDevices = 32,   // the list of block devices
    kMappings = 36,       // the areas that map a memory object
    kObjectPages = 40,    // page tree of a memory object: MemoryObject::get_page runs under kMm
    kExt4Instances = 49,  // mounted instances of ext4: held while one is committed
    kBlockMap = 50,       // which blocks of its device a file's pages are
    kBlockCache = 60,     // cached blocks of a device: a file system's own data

    // Spin locks. All are above every mutex: nothing sleeps under a spin lock.
    kProcessTimers = 97,   // of a process: a timer that fires asks for clocks and sends signals under it
    kCpuWaits = 98,        // who waits for processor time: their clocks are read under it
    kTasks = 100,          // task list, pid hash, parent-child links, process groups
    kPidNumbers = 101,     // what numbers are taken in PID namespaces
    kTaskResources = 102,  // task_struct::alloc_lock
    kUserCounts = 103,     // how many namespaces each user has
    kSignal = 104,         // SignalStruct and its pending sets
    kSighand = 105,        // SighandStruct: what processes do with signals
    kQueuedSignals = 106,  // how many each user has
    kKobjects = 107,       // the tree of kernel objects: names, parents, children
    kTtyPort = 108,
    kMounts = 109,     // mount table
    kDcache = 110,     // directory cache
    kFileLocks = 111,  // record and flock locks of all files
    kFutex = 112,
    kNotify = 113,      // inotify's watches and queues
    kDirtyFiles = 114,  // objects that have dirty pages
    kPageTree = 115,    // which pages a page cache has
    kPageLru = 116,     // page cache pages by age
    kInodeTable = 117,  // the inodes that a file system has in memory
    kIpc = 118,         // System V objects: memory is allocated and tasks are woken under it
    kBlockQueue = 120,  // requests of a block device; its interrupt handler wakes who waits
    kBlockStats = 122,
    kKthreads = 121,    // requests for kernel threads
    kPciConfig = 123,   // the ports of PCI's configuration space
    kCmos = 125,        // the registers of the real-time clock
    kClockState = 123,  // adjtimex's variables
    kRandom = 124,      // the random generator's key
    kTimerFile = 129,   // a timerfd
    kWaitQueue = 130,
    kRunQueue = 140,
    kTimer = 145,       // the tick is armed by schedule()
    kSwapCursor = 147,  // whose turn it is to be swapped out
    kPageTable = 148,   // mm_struct::page_table_lock
    kSwap = 149,        // swap areas and the swap cache
    kSlab = 150,
    kHugetlb = 155,  // a pool of huge pages
    kPages = 160,    // buddy allocator
    kVmalloc = 164,
    kSerial = 190,   // a UART transmitter
    kConsole = 200,  // printk: last, so that it may be called anywhere
};

/// Below these are Mutexes, from here on SpinLocks.
constexpr bool is_spin_rank(LockRank rank) {
    return rank >= LockRank::kTasks;
}
/// Spin locks that no interrupt handler takes, neither directly nor by waking somebody: they leave interrupts on.
constexpr bool leaves_interrupts_on(LockRank rank) {
    return rank == LockRank::kKobjects || rank == LockRank::kMounts || rank == LockRank::kDcache ||
           rank == LockRank::kFileLocks || rank == LockRank::kNotify || rank == LockRank::kDirtyFiles ||
           rank == LockRank::kPageTree || rank == LockRank::kPageLru || rank == LockRank::kInodeTable;
}
