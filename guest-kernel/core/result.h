// Result<T>: a value or an Errno; TRY: take the value or return the error upward.
//
// Guarantees: no exceptions, no allocation; ignoring a Result is a compile error ([[nodiscard]] + -Werror).
// Never ask value() of an error: that is a BUG and stops the kernel.
#pragma once

#include <new>
#include <type_traits>
#include <utility>

#include "core/errno.h"
#include "core/panic.h"
#include "core/types.h"

template <class T>
class [[nodiscard]] Result {
  public:
    Result(Errno error) : error_(error) { BUG_ON(error == Errno::OK); }
    template <class U = T, class = std::enable_if_t<std::is_constructible_v<T, U&&> &&
                                                    !std::is_same_v<std::remove_cvref_t<U>, Result> &&
                                                    !std::is_same_v<std::remove_cvref_t<U>, Errno>>>
    Result(U&& value) : error_(Errno::OK) {
        new (&storage_) T(std::forward<U>(value));
    }
    Result(Result&& other) : error_(other.error_) {
        if (ok()) new (&storage_) T(std::move(other.value()));
    }
    Result(const Result&) = delete;
    Result& operator=(const Result&) = delete;
    ~Result() {
        if (ok()) reinterpret_cast<T*>(&storage_)->~T();
    }

    bool ok() const { return error_ == Errno::OK; }
    bool is_error() const { return !ok(); }
    explicit operator bool() const { return ok(); }
    Errno error() const { return error_; }
    T& value() {
        BUG_ON(!ok());
        return *reinterpret_cast<T*>(&storage_);
    }
    const T& value() const {
        BUG_ON(!ok());
        return *reinterpret_cast<const T*>(&storage_);
    }
    T release_value() { return std::move(value()); }
    T value_or(T fallback) { return ok() ? release_value() : std::move(fallback); }

  private:
    alignas(T) unsigned char storage_[sizeof(T)];
    Errno error_;
};

template <>
class [[nodiscard]] Result<void> {
  public:
    Result() = default;
    Result(Errno error) : error_(error) {}
    bool ok() const { return error_ == Errno::OK; }
    bool is_error() const { return !ok(); }
    explicit operator bool() const { return ok(); }
    Errno error() const { return error_; }
    void release_value() const { BUG_ON(!ok()); }

  private:
    Errno error_ = Errno::OK;
};

/// What a system call handler returns: the value for RAX, or the error that is negated into it.
using SysResult = Result<long>;

#define TRY_NAME2(a, b) a##b
#define TRY_NAME(a, b) TRY_NAME2(a, b)
#define TRY_IMPL(expr, name)         \
    ({                               \
        auto name = (expr);          \
        if (!name.ok()) [[unlikely]] \
            return name.error();     \
        name.release_value();        \
    })
/// The value of `expr` (a Result), or return its error from the enclosing function.
#define TRY(expr) TRY_IMPL(expr, TRY_NAME(try_result_, __COUNTER__))
