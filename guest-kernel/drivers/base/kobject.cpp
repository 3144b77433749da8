// The tree of kernel objects (drivers/base/kobject.h).
#include "drivers/base/kobject.h"

#include <stdarg.h>

#include "core/panic.h"
#include "sync/guarded.h"

/// One name in a kobject's directory.
struct Kobject::Entry {
    ListNode node;
    u64 order = 0;
    bool is_link = false;
    KString link_name;  // links only: a child's name is its own
    RefPtr<Kobject> target;

    const char* name() const { return is_link ? link_name.c_str() : target->name(); }
};

/// What the lock guards: all the objects' private fields, through these.
struct KobjectTree {
    using Entry = Kobject::Entry;
    u64 last_order = 0;

    static Entry* entry_of(ListNode* node) { return reinterpret_cast<Entry*>(node); }

    template <class F>
    static Entry* first(const Kobject& in, F matches) {
        ListNode* head = const_cast<ListNode*>(&in.entries_);
        for (ListNode* n = head->next; n != head; n = n->next) {
            if (matches(*entry_of(n))) return entry_of(n);
        }
        return nullptr;
    }
    static Entry* find(const Kobject& in, const char* name, size_t length) {
        return first(in, [&](const Entry& e) {
            return strncmp(e.name(), name, length) == 0 && e.name()[length] == '\0';
        });
    }
    static unsigned depth(const Kobject* k) {
        unsigned n = 0;
        for (; k->parent_; k = k->parent_.get()) n++;
        return n;
    }
    /// The chain of names from below `top` down to `k`, each behind a slash.
    static Result<void> append_path(KString& out, const Kobject* k, const Kobject* top) {
        const unsigned levels = depth(k) - depth(top);
        for (unsigned i = levels; i-- > 0;) {
            const Kobject* at = k;
            for (unsigned up = 0; up < i; up++) at = at->parent_.get();
            TRY(out.push('/'));
            TRY(out.append(at->name()));
        }
        return {};
    }

    Result<void> insert(Kobject& in, Entry* fresh) {
        if (!in.in_tree_) return Errno::ENOENT;
        const char* name = fresh->name();
        if (find(in, name, strlen(name))) return Errno::EEXIST;
        fresh->order = ++last_order;
        fresh->node.insert_before(&in.entries_);
        if (!fresh->is_link) {
            fresh->target->parent_ = RefPtr<Kobject>(&in);
            fresh->target->in_tree_ = true;
        }
        return {};
    }
    static void set_in_tree(Kobject& k) { k.in_tree_ = true; }
};

namespace {

Guarded<KobjectTree, LockRank::kKobjects> g_tree;
u64 g_last_number = 0;

}  // namespace

Kobject::Kobject() : number(__atomic_add_fetch(&g_last_number, 1, __ATOMIC_RELAXED)) {}

Kobject::~Kobject() {
    while (entries_.linked()) {  // links of an object that never was in the tree, or was removed
        Entry* e = KobjectTree::entry_of(entries_.next);
        e->node.remove();
        delete e;
    }
}

Result<void> Kobject::set_name(const char* format, ...) {
    char text[256];
    va_list args;
    va_start(args, format);
    const int length = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (length >= static_cast<int>(sizeof(text))) return Errno::ENAMETOOLONG;
    for (char* c = text; *c; c++) {
        if (*c == '/') *c = '!';  // "pts/0" is one name, as in Linux
    }
    name_ = TRY(KString::make(text));
    return {};
}

void Kobject::add_group(const AttributeGroup& group) {
    BUG_ON(group_count_ == kMaxGroups);
    groups_[group_count_++] = &group;
}

Result<void> Kobject::insert(const char* name, Kobject& target, bool is_link) {
    Entry* fresh = new (std::nothrow) Entry;
    if (!fresh) return Errno::ENOMEM;
    fresh->is_link = is_link;
    fresh->target = RefPtr<Kobject>(&target);
    Result<void> result;
    if (is_link) {
        Result<KString> text = KString::make(name);
        if (text.ok())
            fresh->link_name = text.release_value();
        else
            result = text.error();
    }
    if (result.ok()) result = g_tree.with([&](KobjectTree& tree) { return tree.insert(*this, fresh); });
    if (!result.ok()) delete fresh;
    return result;
}

Result<void> Kobject::add_to(Kobject& parent) {
    return parent.insert(nullptr, *this, false);
}

Result<void> Kobject::add_link(const char* name, Kobject& target) {
    return insert(name, target, true);
}

void Kobject::remove_link(const char* name) {
    Entry* gone = g_tree.with([&](KobjectTree&) -> Entry* {
        Entry* e = KobjectTree::find(*this, name, strlen(name));
        if (!e || !e->is_link) return nullptr;
        e->node.remove();
        return e;
    });
    delete gone;
}

void Kobject::remove() {
    // Children first, from the deepest: each step takes one entry out and frees it outside the lock.
    for (;;) {
        RefPtr<Kobject> child;
        Entry* gone = g_tree.with([&](KobjectTree&) -> Entry* {
            if (!entries_.linked()) return nullptr;
            Entry* e = KobjectTree::entry_of(entries_.next);
            if (!e->is_link) {
                child = e->target;
                if (child->entries_.linked()) return nullptr;
                child->in_tree_ = false;
            }
            e->node.remove();
            return e;
        });
        delete gone;
        if (!gone && !child) break;
        if (!gone) child->remove();
    }
    Entry* mine = g_tree.with([&](KobjectTree&) -> Entry* {
        if (!in_tree_ || !parent_) return nullptr;
        in_tree_ = false;
        Entry* e =
            KobjectTree::first(*parent_, [this](const Entry& x) { return !x.is_link && x.target == this; });
        if (e) e->node.remove();
        return e;
    });
    delete mine;  // may free this object
}

RefPtr<Kobject> Kobject::parent() const {
    const auto tree = g_tree.lock();
    return parent_;
}

bool Kobject::in_tree() const {
    const auto tree = g_tree.lock();
    return in_tree_;
}

RefPtr<Kobject> Kobject::find(const Name& name, bool* is_link) const {
    const auto tree = g_tree.lock();
    Entry* e = KobjectTree::find(*this, name.text, name.length);
    if (!e || !e->target->in_tree_) return nullptr;
    *is_link = e->is_link;
    return e->target;
}

RefPtr<Kobject> Kobject::find_child(const char* name) const {
    bool is_link;
    RefPtr<Kobject> found = find(Name(name), &is_link);
    return found && !is_link ? found : nullptr;
}

bool Kobject::next_entry(u64 from, KobjectEntry* out) const {
    const auto tree = g_tree.lock();
    const Entry* e =
        KobjectTree::first(*this, [from](const Entry& x) { return x.order >= from && x.target->in_tree_; });
    if (!e) return false;
    out->order = e->order;
    out->number = e->target->number;
    out->is_link = e->is_link;
    copy_string(out->name, e->name(), sizeof(out->name));
    return true;
}

u32 Kobject::child_count() const {
    const auto tree = g_tree.lock();
    u32 n = 0;
    KobjectTree::first(*this, [&n](const Entry& e) {
        n += e.is_link ? 0 : 1;
        return false;
    });
    return n;
}

Result<KString> Kobject::path() const {
    const auto tree = g_tree.lock();
    const Kobject* top = this;
    while (top->parent_) top = top->parent_.get();
    KString out;
    TRY(KobjectTree::append_path(out, this, top));
    return out;
}

Result<KString> Kobject::path_from(const Kobject& directory) const {
    const auto tree = g_tree.lock();
    // The deepest directory that has both in it: a link to one's own ancestor goes one higher, and ends in its name.
    const Kobject* common = &directory;
    const auto is_above = [this](const Kobject* top) {
        for (const Kobject* k = parent_.get(); k; k = k->parent_.get()) {
            if (k == top) return true;
        }
        return false;
    };
    KString out;
    for (; common->parent_ && !is_above(common); common = common->parent_.get()) TRY(out.append("../"));
    KString down;
    TRY(KobjectTree::append_path(down, this, common));
    // "../.." and "/devices/x" meet in one slash.
    TRY(out.append(down.empty() ? "." : down.c_str() + 1));
    return out;
}

Kobject& sysfs_root() {
    static Kobject* root = nullptr;  // made by the first caller, at boot
    if (root) return *root;
    root = new (std::nothrow) Kobject;
    if (!root) panic("kobjects: no memory");
    g_tree.with([](KobjectTree&) { KobjectTree::set_in_tree(*root); });
    return *root;
}

Kobject& kobject_directory(Kobject& parent, const char* name) {
    if (RefPtr<Kobject> there = parent.find_child(name)) return *there;  // the tree keeps it
    Result<RefPtr<Kobject>> made = make_ref<Kobject>();
    if (!made.ok() || !made.value()->set_name("%s", name).ok() || !made.value()->add_to(parent).ok())
        panic("kobjects: no memory for %s", name);
    return *made.value();
}

bool attribute_is(const char* text, size_t size, const char* word) {
    if (size > 0 && text[size - 1] == '\n') size--;
    return strlen(word) == size && memcmp(text, word, size) == 0;
}

Result<u64> attribute_number(const char* text, size_t size, u64 most) {
    char word[32];
    if (size > 0 && text[size - 1] == '\n') size--;
    if (size == 0 || size >= sizeof(word)) return Errno::EINVAL;
    memcpy(word, text, size);
    word[size] = '\0';
    u64 value;
    if (!parse_u64(word, 0, &value)) return Errno::EINVAL;
    if (value > most) return Errno::ERANGE;
    return u64{value};
}
