// The kernel log (core/printk.h).
//
// Guarantees: records keep their order and sequence numbers; the oldest are overwritten. The console is
// written under the lock with interrupts off, so that lines never mix.
#include "core/printk.h"

#include "core/cmdline.h"
#include "core/string.h"
#include "sync/guarded.h"

int console_loglevel = 7;
u64 (*log_clock)() = nullptr;

namespace {

constexpr u64 kRecords = 512;
constexpr int kDefaultLevel = 4;

struct Log {
    LogRecord ring[kRecords];
    u64 next_sequence = 0;
    Console* consoles = nullptr;

    u64 first_sequence() const { return next_sequence > kRecords ? next_sequence - kRecords : 0; }
};
Guarded<Log, LockRank::kConsole> kernel_log;

void emit(Console* console, const LogRecord& record) {
    char line[300];
    const int n = snprintf(line, sizeof(line), "[%5lu.%06lu] %s\n", record.time_ns / kNsPerSec,
                           record.time_ns % kNsPerSec / 1000, record.text);
    console->write(line, min<size_t>(static_cast<size_t>(n), sizeof(line) - 1));
}

}  // namespace

void vprintk(const char* format, va_list args) {
    char text[sizeof(LogRecord::text)];
    int level = kDefaultLevel;
    if (format[0] == KERN_SOH[0] && format[1]) {
        level = format[1] - '0';
        format += 2;
    }
    vsnprintf(text, sizeof(text), format, args);
    size_t length = strlen(text);
    if (length && text[length - 1] == '\n') text[--length] = '\0';

    const auto l = kernel_log.lock();
    LogRecord& record = l->ring[l->next_sequence % kRecords];
    record.sequence = l->next_sequence++;
    record.time_ns = log_clock ? log_clock() : 0;
    record.level = level;
    memcpy(record.text, text, length + 1);
    if (level >= console_loglevel) return;
    for (Console* c = l->consoles; c; c = c->next) emit(c, record);
}

void printk(const char* format, ...) {
    va_list args;
    va_start(args, format);
    vprintk(format, args);
    va_end(args);
}

void register_console(Console* console) {
    const auto l = kernel_log.lock();
    console->next = l->consoles;
    l->consoles = console;
    for (u64 s = l->first_sequence(); s < l->next_sequence; s++) {
        if (l->ring[s % kRecords].level < console_loglevel) emit(console, l->ring[s % kRecords]);
    }
}

void log_break_lock() {
    kernel_log.break_open();
}

u64 log_first_sequence() {
    return kernel_log.lock()->first_sequence();
}
u64 log_next_sequence() {
    return kernel_log.lock()->next_sequence;
}

bool log_read(u64 sequence, LogRecord* record) {
    const auto l = kernel_log.lock();
    if (sequence < l->first_sequence() || sequence >= l->next_sequence) return false;
    *record = l->ring[sequence % kRecords];
    return true;
}

void setup_console_loglevel() {
    if (cmdline_has("quiet")) console_loglevel = 4;
    if (cmdline_has("debug")) console_loglevel = 10;
    u64 level;
    char value[16];
    if (cmdline_value("loglevel", value, sizeof(value)) && parse_u64(value, 10, &level)) {
        console_loglevel = static_cast<int>(level);
    }
}
