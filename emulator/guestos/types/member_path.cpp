// Looking ways up, and going them.
#include "emulator/guestos/types/member_path.h"

#include <fmt/format.h>

#include <algorithm>

namespace orrery {
namespace {

std::string name_of(const Type* type) {
    return type == nullptr ? "void" : type->name.empty() ? "?" : type->name;
}

std::string lacks(std::string_view what) {
    return fmt::format("the kernel's debug information has no {}", what);
}

u64 number(const GuestMemory& memory, u64 address, u64 size) {
    u64 result = 0;
    if (!memory.read_all(address, &result, size))
        throw GuestReadError(fmt::format("nothing to read at {:#x}", address));
    return result;
}

}  // namespace

MemberPath MemberPath::from(std::string_view root, const Type* type, u64 base, std::string_view path) {
    MemberPath result;
    result.name_ = path.empty() ? root : fmt::format("{}.{}", root, path);
    result.offsets_ = {base};
    for (size_t at = 0; at < path.size();) {
        const size_t end = std::min(path.find('.', at), path.size());
        const std::string_view name = path.substr(at, end - at);
        if (type != nullptr && type->kind == TypeKind::Pointer) {
            type = type->target;
            result.offsets_.push_back(0);
        }
        Member member;
        if (type == nullptr || !type->find_member(name, &member)) {
            result.problem_ =
                fmt::format("{} ({} has no member {})", lacks(result.name_), name_of(type), name);
            return result;
        }
        result.offsets_.back() += member.offset;
        type = member.type;
        at = end + 1;
    }
    result.type_ = type;
    return result;
}

MemberPath MemberPath::of_type(const TypeTable& types, std::string_view type, std::string_view path) {
    if (const Type* found = types.type(type)) return from(type, found, 0, path);
    MemberPath result;
    result.problem_ = lacks(type);
    return result;
}

MemberPath MemberPath::of_global(const TypeTable& types, std::string_view variable, std::string_view path) {
    if (const GlobalVariable* found = types.global(variable))
        return from(variable, found->type, found->address, path);
    MemberPath result;
    result.problem_ = lacks(variable);
    return result;
}

void MemberPath::check() const {
    if (!problem_.empty()) throw GuestReadError(problem_);
}

u64 MemberPath::address(const GuestMemory& memory, u64 object) const {
    check();
    u64 at = object + offsets_.front();
    for (size_t i = 1; i < offsets_.size(); ++i) {
        const u64 target = number(memory, at, 8);
        if (target == 0) throw GuestReadError(fmt::format("{}: a null pointer at {:#x}", name_, at));
        at = target + offsets_[i];
    }
    return at;
}

u64 MemberPath::value(const GuestMemory& memory, u64 object) const {
    const u64 at = address(memory, object);
    if (type_ == nullptr || type_->size == 0 || type_->size > sizeof(u64))
        throw GuestReadError(fmt::format("{} is no number: it is a {}", name_, name_of(type_)));
    return number(memory, at, type_->size);
}

i64 MemberPath::signed_value(const GuestMemory& memory, u64 object) const {
    const u64 raw = value(memory, object);
    const unsigned shift = static_cast<unsigned>(64 - 8 * type_->size);
    return static_cast<i64>(raw << shift) >> shift;
}

std::string MemberPath::text(const GuestMemory& memory, u64 object, size_t limit) const {
    const u64 at = address(memory, object);
    if (type_ != nullptr && type_->kind == TypeKind::Pointer) {
        const u64 target = number(memory, at, 8);
        return target == 0 ? "" : memory.string(target, limit).text;
    }
    if (type_ == nullptr || type_->kind != TypeKind::Array)
        throw GuestReadError(fmt::format("{} is no string: it is a {}", name_, name_of(type_)));
    return memory.string(at, std::min<size_t>(limit, type_->size)).text;
}

u64 MemberPath::container(u64 member) const {
    check();
    if (offsets_.size() != 1) throw GuestReadError(name_ + " lies in another object");
    return member - offsets_.front();
}

EnumeratorPath::EnumeratorPath(const TypeTable& types, std::string_view enumeration, std::string_view name) {
    if (const Type* type = types.type(enumeration)) {
        for (const Enumerator& enumerator : type->enumerators) {
            if (enumerator.name != name) continue;
            value_ = static_cast<u64>(enumerator.value);
            return;
        }
        problem_ = lacks(fmt::format("{} in {}", name, enumeration));
    } else {
        problem_ = lacks(enumeration);
    }
}

u64 EnumeratorPath::value() const {
    if (!problem_.empty()) throw GuestReadError(problem_);
    return value_;
}

}  // namespace orrery
