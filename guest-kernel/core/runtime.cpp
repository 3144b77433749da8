// What the compiler expects of a C++ run time: global constructors, operator new, pure virtual calls.
//
// Guarantees: operator new never throws: it answers nullptr, and every caller checks (make_ref, make_unique).
#include <new>

#include "core/kmalloc.h"
#include "core/panic.h"
#include "core/runtime.h"

using Constructor = void (*)();
extern "C" Constructor __init_array_start[], __init_array_end[];

void run_global_constructors() {
    for (Constructor* c = __init_array_start; c < __init_array_end; c++) (*c)();
}

const std::nothrow_t std::nothrow{};

void* operator new(size_t size, const std::nothrow_t&) noexcept {
    return kmalloc(size);
}
void* operator new[](size_t size, const std::nothrow_t&) noexcept {
    return kmalloc(size);
}
void operator delete(void* p) noexcept {
    kfree(p);
}
void operator delete[](void* p) noexcept {
    kfree(p);
}
void operator delete(void* p, size_t) noexcept {
    kfree(p);
}
void operator delete[](void* p, size_t) noexcept {
    kfree(p);
}
void operator delete(void* p, const std::nothrow_t&) noexcept {
    kfree(p);
}
void operator delete[](void* p, const std::nothrow_t&) noexcept {
    kfree(p);
}

extern "C" void __cxa_pure_virtual() {
    panic("pure virtual function called");
}
extern "C" int atexit(void (*)()) {
    return 0;
}
extern "C" int __cxa_atexit(void (*)(void*), void*, void*) {
    return 0;
}
extern "C" void* __dso_handle;
void* __dso_handle = nullptr;
