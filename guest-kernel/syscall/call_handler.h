// From a handler of a system call to an entry of a dispatch table.
//
// Guarantees: the handler gets as many of the call's registers as it takes, made into its arguments' types as the
// Convention says: arguments, the members of pt_regs in their order, and argument<T>(value).
#pragma once

#include <utility>

#include "arch/x86_64/thread.h"
#include "core/result.h"

template <class... Args>
constexpr size_t arity(SysResult (*)(Args...)) {
    return sizeof...(Args);
}

template <class Convention, auto Handler, class... Args, size_t... I>
long call_handler(SysResult (*)(Args...), [[maybe_unused]] const pt_regs* regs, std::index_sequence<I...>) {
    const SysResult result = Handler(Convention::template argument<Args>(regs->*Convention::arguments[I])...);
    return result.ok() ? result.value() : -static_cast<long>(result.error());
}

template <class Convention, auto Handler>
long syscall_entry(const pt_regs* regs) {
    return call_handler<Convention, Handler>(Handler, regs, std::make_index_sequence<arity(Handler)>{});
}
