// Shared ownership: RefCounted objects and the RefPtr that holds them.
//
// Guarantees: an object starts with one reference, which make_ref/adopt_ref hands to its first RefPtr; the
// last put deletes it. Counts are atomic (interrupt handlers and, later, other CPUs may hold references).
#pragma once

#include <new>
#include <utility>

#include "core/result.h"
#include "core/types.h"

class RefCounted {
  public:
    RefCounted() = default;
    RefCounted(const RefCounted&) = delete;
    RefCounted& operator=(const RefCounted&) = delete;
    void ref() const { __atomic_add_fetch(&refs_, 1, __ATOMIC_RELAXED); }
    /// A reference, unless the last one is gone already and the object about to die.
    bool try_ref() const {
        for (u32 seen = __atomic_load_n(&refs_, __ATOMIC_RELAXED); seen != 0;) {
            if (__atomic_compare_exchange_n(&refs_, &seen, seen + 1, true, __ATOMIC_ACQ_REL,
                                            __ATOMIC_RELAXED))
                return true;
        }
        return false;
    }
    void unref() const {
        for (u32 seen = __atomic_load_n(&refs_, __ATOMIC_RELAXED); seen > 1;) {
            if (__atomic_compare_exchange_n(&refs_, &seen, seen - 1, true, __ATOMIC_ACQ_REL,
                                            __ATOMIC_RELAXED))
                return;
        }
        const_cast<RefCounted*>(this)->unref_last();
    }
    u32 ref_count() const { return __atomic_load_n(&refs_, __ATOMIC_RELAXED); }

  protected:
    virtual ~RefCounted() = default;
    /// Gives what is probably the last reference back: deletes the object if it is. Who keeps objects in a table
    /// overrides it and calls drop_reference() under the table's lock.
    virtual void unref_last() {
        if (drop_reference()) delete this;
    }
    /// True when no reference is left.
    bool drop_reference() const { return __atomic_sub_fetch(&refs_, 1, __ATOMIC_ACQ_REL) == 0; }

  private:
    mutable u32 refs_ = 1;
};

template <class T>
class RefPtr {
  public:
    RefPtr() = default;
    RefPtr(decltype(nullptr)) {}
    /// Takes a new reference.
    explicit RefPtr(T* object) : object_(object) {
        if (object_) object_->ref();
    }
    RefPtr(const RefPtr& other) : RefPtr(other.object_) {}
    RefPtr(RefPtr&& other) : object_(other.leak()) {}
    template <class U, class = std::enable_if_t<std::is_convertible_v<U*, T*>>>
    RefPtr(const RefPtr<U>& other) : RefPtr(static_cast<T*>(other.get())) {}
    template <class U, class = std::enable_if_t<std::is_convertible_v<U*, T*>>>
    RefPtr(RefPtr<U>&& other) : object_(other.leak()) {}
    ~RefPtr() {
        if (object_) object_->unref();
    }
    RefPtr& operator=(RefPtr other) {
        std::swap(object_, other.object_);
        return *this;
    }
    /// Takes over the caller's reference.
    static RefPtr adopt(T* object) {
        RefPtr p;
        p.object_ = object;
        return p;
    }
    T* get() const { return object_; }
    T* operator->() const { return object_; }
    T& operator*() const { return *object_; }
    explicit operator bool() const { return object_ != nullptr; }
    bool operator==(const RefPtr& other) const { return object_ == other.object_; }
    bool operator==(const T* other) const { return object_ == other; }
    /// Gives the reference to the caller.
    T* leak() {
        T* object = object_;
        object_ = nullptr;
        return object;
    }
    void reset() { *this = RefPtr(); }

  private:
    T* object_ = nullptr;
};

template <class T>
RefPtr<T> adopt_ref(T* object) {
    return RefPtr<T>::adopt(object);
}

/// A new T, or ENOMEM.
template <class T, class... Args>
Result<RefPtr<T>> make_ref(Args&&... args) {
    T* object = new (std::nothrow) T(std::forward<Args>(args)...);
    if (!object) return Errno::ENOMEM;
    return RefPtr<T>::adopt(object);
}
