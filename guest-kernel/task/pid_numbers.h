// PidNumbers: what numbers a task, a group or a session has in each PID namespace that sees it (task/pid_namespace.h).
#pragma once

#include "core/list.h"
#include "core/refcount.h"

struct PidNamespace;
struct PidNumbers;

/// One number in one namespace, linked there.
struct PidNumber {
    ListNode node;
    pid_t nr = 0;
    PidNumbers* owner = nullptr;
};

struct PidNumbers final : RefCounted {
    explicit PidNumbers(PidNamespace* innermost);
    ~PidNumbers() override;
    pid_t global = 0;               ///< in the first namespace
    const RefPtr<PidNamespace> ns;  ///< the innermost
    PidNumber* upid = nullptr;      ///< of levels 1 to ns->level
    /// The number at `where`, 0 if it is not seen there.
    pid_t in(const PidNamespace& where) const;

  protected:
    void unref_last() override;
};
