// The kernel log: a ring of records with levels, shown on the console as Linux shows it.
//
// Guarantees: may be called anywhere, interrupt handlers included. A message starts with an optional level
// prefix KERN_ERR ... KERN_DEBUG (default: warning). The console prints "[seconds.micros] text" for levels
// below console_loglevel (7; 4 with `quiet`; `loglevel=N`). The record stays readable through syslog(2) and
// /dev/kmsg.
#pragma once

#include "core/types.h"

#define KERN_SOH "\001"
#define KERN_EMERG KERN_SOH "0"
#define KERN_ALERT KERN_SOH "1"
#define KERN_CRIT KERN_SOH "2"
#define KERN_ERR KERN_SOH "3"
#define KERN_WARNING KERN_SOH "4"
#define KERN_NOTICE KERN_SOH "5"
#define KERN_INFO KERN_SOH "6"
#define KERN_DEBUG KERN_SOH "7"

void printk(const char* format, ...) __attribute__((format(printf, 1, 2)));

/// Where the console's text goes; called with interrupts off. Several may register.
struct Console {
    void (*write)(const char* text, size_t length);
    Console* next;
};
void register_console(Console* console);
/// In a panic: the CPU that was printing is stopped.
void log_break_lock();

/// Read access for syslog(2) and /dev/kmsg: record `sequence` as text; false when it is not there (yet).
/// `text` gets at most `size` bytes, terminated. `level` 0-7, `time_ns` since boot.
struct LogRecord {
    u64 sequence;
    u64 time_ns;
    int level;
    char text[256];
};
bool log_read(u64 sequence, LogRecord* record);
u64 log_first_sequence();
u64 log_next_sequence();
extern int console_loglevel;
extern u64 (*log_clock)();  // nanoseconds since boot, for the records; null before there is a clock
