// Mount options: read as Linux reads them, and shown as /proc/mounts has them: only what is not the default.
#include "core/printk.h"
#include "core/string.h"
#include "fs/ext4/ext4.h"

using namespace ext4;

namespace {

/// A row of the table: what an option without a value does.
struct Flag {
    const char* name;
    bool Ext4Options::*field;
    bool value;
};
constexpr Flag kFlags[] = {
    {"barrier", &Ext4Options::barrier, true},
    {"nobarrier", &Ext4Options::barrier, false},
    {"discard", &Ext4Options::discard, true},
    {"nodiscard", &Ext4Options::discard, false},
    {"user_xattr", &Ext4Options::user_xattr, true},
    {"nouser_xattr", &Ext4Options::user_xattr, false},
    {"acl", &Ext4Options::acl, true},
    {"noacl", &Ext4Options::acl, false},
    {"delalloc", &Ext4Options::delalloc, true},
    {"nodelalloc", &Ext4Options::delalloc, false},
    {"noload", &Ext4Options::noload, true},
    {"norecovery", &Ext4Options::noload, true},
    {"block_validity", &Ext4Options::block_validity, true},
    {"noblock_validity", &Ext4Options::block_validity, false},
    {"init_itable", &Ext4Options::init_itable, true},
    {"noinit_itable", &Ext4Options::init_itable, false},
    {"journal_checksum", &Ext4Options::journal_checksum, true},
    {"nojournal_checksum", &Ext4Options::journal_checksum, false},
    {"lazytime", &Ext4Options::lazytime, true},
    {"nolazytime", &Ext4Options::lazytime, false},
};

// Known to Linux, and without an effect there or here.
constexpr const char* kNoEffect[] = {"bsddf",
                                     "nogrpid",
                                     "sysvgroups",
                                     "orlov",
                                     "oldalloc",
                                     "auto_da_alloc",
                                     "mblk_io_submit",
                                     "nomblk_io_submit",
                                     "dioread_lock",
                                     "dioread_nolock",
                                     "nouid32",
                                     "noquota",
                                     "check=none",
                                     "nocheck",
                                     "reservation",
                                     "noreservation",
                                     "bh",
                                     "nobh",
                                     "i_version",
                                     "prefetch_block_bitmaps",
                                     "no_prefetch_block_bitmaps",
                                     "mb_optimize_scan=1",
                                     "nodebug",
                                     "quota",
                                     "noauto_da_alloc",
                                     "nombcache",
                                     "no_mbcache",
                                     "journal_async_commit"};
constexpr const char* kNoEffectWithNumber[] = {"stripe",         "inode_readahead_blks", "min_batch_time",
                                               "max_batch_time", "journal_ioprio",       "max_dir_size_kb",
                                               "init_itable"};

bool takes_number_without_effect(const Name& key) {
    for (const char* known : kNoEffectWithNumber) {
        if (key == known) return true;
    }
    return false;
}

bool number(const Name& value, u32* out) {
    u64 n = 0;
    if (value.length == 0 || value.length > 10) return false;
    for (u32 i = 0; i < value.length; i++) {
        if (value.text[i] < '0' || value.text[i] > '9') return false;
        n = n * 10 + static_cast<u64>(value.text[i] - '0');
    }
    *out = static_cast<u32>(n);
    return n <= 0xffffffffu;
}

}  // namespace

bool Ext4Options::parse_flag(const Name& option) {
    for (const Flag& flag : kFlags) {
        if (!(option == flag.name)) continue;
        this->*flag.field = flag.value;
        return true;
    }
    for (const char* known : kNoEffect) {
        if (option == known) return true;
    }
    return false;
}

bool Ext4Options::parse_value(const Name& key, const Name& value) {
    u32 n = 0;
    if (key == "errors") {
        if (value == "continue")
            errors = kErrorsContinue;
        else if (value == "remount-ro")
            errors = kErrorsReadOnly;
        else if (value == "panic")
            errors = kErrorsPanic;
        else
            return false;
        return true;
    }
    if (key == "data") {
        data_given = true;
        if (value == "ordered")
            data = Data::kOrdered;
        else if (value == "writeback")
            data = Data::kWriteback;
        else if (value == "journal")
            data = Data::kJournal;
        else
            return false;
        return true;
    }
    if (!number(value, &n)) return false;
    if (key == "barrier")
        barrier = n != 0;
    else if (key == "commit")
        commit_seconds = n ? n : kDefaultCommit;
    else if (key == "resuid")
        resuid = n;
    else if (key == "resgid")
        resgid = n;
    else if (key == "sb")
        sb_block = n;
    else
        return takes_number_without_effect(key);
    return true;
}

Result<void> Ext4Options::parse(const char* text) {
    for (const char* p = text; p && *p;) {
        const char* end = strchr(p, ',');
        const size_t length = end ? static_cast<size_t>(end - p) : strlen(p);
        const char* equals = static_cast<const char*>(memchr(p, '=', length));
        if (length > 0 && !parse_flag(Name(p, length))) {
            const size_t key = equals ? static_cast<size_t>(equals - p) : length;
            if (!equals || !parse_value(Name(p, key), Name(equals + 1, length - key - 1))) {
                printk(KERN_ERR "ext4: Unknown parameter '%.*s'\n", static_cast<int>(key), p);
                return Errno::EINVAL;
            }
        }
        p = end ? end + 1 : p + length;
    }
    return {};
}

Result<void> Ext4Options::show(KString& out, const Ext4Options& defaults, bool has_journal) const {
    const Ext4Options plain;
    if (sb_block != plain.sb_block) TRY(out.appendf(",sb=%u", sb_block));
    const char* names[] = {"nodelalloc",    "discard",      "norecovery", "nobarrier",
                           "noinit_itable", "nouser_xattr", "noacl"};
    const bool shown[] = {!delalloc && plain.delalloc,
                          discard,
                          noload,
                          !barrier,
                          !init_itable,
                          !user_xattr && defaults.user_xattr,
                          !acl && defaults.acl};
    for (size_t i = 0; i < sizeof(shown); i++) {
        if (shown[i]) TRY(out.appendf(",%s", names[i]));
    }
    if (resuid != defaults.resuid) TRY(out.appendf(",resuid=%u", resuid));
    if (resgid != defaults.resgid) TRY(out.appendf(",resgid=%u", resgid));
    if (errors != defaults.errors) {
        TRY(out.append(errors == kErrorsPanic      ? ",errors=panic"
                       : errors == kErrorsReadOnly ? ",errors=remount-ro"
                                                   : ",errors=continue"));
    }
    if (commit_seconds != kDefaultCommit) TRY(out.appendf(",commit=%u", commit_seconds));
    if (has_journal && data_given) {
        TRY(out.append(data == Data::kOrdered     ? ",data=ordered"
                       : data == Data::kWriteback ? ",data=writeback"
                                                  : ",data=journal"));
    }
    return {};
}
