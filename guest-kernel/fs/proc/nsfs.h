// The files that /proc/PID/ns leads to (namespaces(7)): what setns(2) takes, and whose numbers tell namespaces apart.
#pragma once

#include "fs/inode.h"
#include "task/namespaces.h"

class NsInode final : public Inode {
  public:
    NsInode(SuperBlock* super, RefPtr<Namespace> ns, NsKind kind)
        : Inode(super, ns->ino, S_IFREG | 0444), object_(std::move(ns)), kind_(kind) {}
    const RefPtr<Namespace>& object() const { return object_; }
    NsKind kind() const { return kind_; }
    Result<RefPtr<File>> open(int flags) override;

  private:
    RefPtr<Namespace> object_;
    NsKind kind_;
};
/// `inode` as one of these, or null.
const NsInode* as_ns_inode(const Inode& inode);
/// The directory /proc/PID/ns.
Result<RefPtr<Inode>> make_ns_dir(SuperBlock* super, int pid, u64 ino);
