// Sole ownership: Unique<T> deletes its object at the end of its life.
//
// Guarantees: never copied; make_unique answers ENOMEM instead of failing silently.
#pragma once

#include <new>
#include <utility>

#include "core/result.h"

template <class T>
class Unique {
  public:
    Unique() = default;
    explicit Unique(T* object) : object_(object) {}
    Unique(Unique&& other) : object_(other.leak()) {}
    Unique& operator=(Unique&& other) {
        if (this != &other) {
            delete object_;
            object_ = other.leak();
        }
        return *this;
    }
    ~Unique() { delete object_; }
    T* get() const { return object_; }
    T* operator->() const { return object_; }
    T& operator*() const { return *object_; }
    explicit operator bool() const { return object_ != nullptr; }
    T* leak() {
        T* object = object_;
        object_ = nullptr;
        return object;
    }

  private:
    T* object_ = nullptr;
};

/// A new T, or ENOMEM.
template <class T, class... Args>
Result<Unique<T>> make_unique(Args&&... args) {
    T* object = new (std::nothrow) T(std::forward<Args>(args)...);
    if (!object) return Errno::ENOMEM;
    return Unique<T>(object);
}
