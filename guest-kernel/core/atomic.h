// Loads and stores that no other CPU sees in halves, of types that are no integers: enumerations.
#pragma once

/// With acquire or relaxed order.
template <class T>
T atomic_load(const T& from, int order = __ATOMIC_RELAXED) {
    T value;
    __atomic_load(&from, &value, order);
    return value;
}
/// With release or relaxed order.
template <class T>
void atomic_store(T& to, T value, int order = __ATOMIC_RELAXED) {
    __atomic_store(&to, &value, order);
}
