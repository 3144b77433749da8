// Steps through guest structures.
#include "emulator/guestos/types/guest_object.h"

#include <fmt/format.h>

namespace orrery {
namespace {

std::string name_of(const Type* type) {
    return type == nullptr ? "void" : type->name.empty() ? "?" : type->name;
}

}  // namespace

bool GuestObject::has(std::string_view member) const {
    const Type* type = type_ != nullptr && type_->kind == TypeKind::Pointer ? type_->target : type_;
    Member found;
    return type != nullptr && type->find_member(member, &found);
}

GuestObject GuestObject::operator[](std::string_view member) const {
    if (type_ != nullptr && type_->kind == TypeKind::Pointer) return deref()[member];
    Member found;
    if (type_ == nullptr || !type_->find_member(member, &found))
        throw GuestReadError(fmt::format("{} has no member {}", name_of(type_), member));
    return {*memory_, found.type, address_ + found.offset};
}

GuestObject GuestObject::at(u64 index) const {
    if (type_ == nullptr || (type_->kind != TypeKind::Array && type_->kind != TypeKind::Pointer))
        throw GuestReadError(name_of(type_) + " is no array");
    const u64 base = type_->kind == TypeKind::Array ? address_ : value();
    const u64 size = type_->target != nullptr ? type_->target->size : 1;
    return {*memory_, type_->target, base + index * size};
}

GuestObject GuestObject::deref() const {
    if (type_ == nullptr || type_->kind != TypeKind::Pointer)
        throw GuestReadError(name_of(type_) + " is no pointer");
    const u64 target = value();
    if (target == 0) throw GuestReadError(fmt::format("a null {} at {:#x}", name_of(type_), address_));
    return {*memory_, type_->target, target};
}

u64 GuestObject::value() const {
    u64 result = 0;
    if (type_ == nullptr || type_->size == 0 || type_->size > sizeof result)
        throw GuestReadError(name_of(type_) + " is no number");
    if (!memory_->read_all(address_, &result, type_->size))
        throw GuestReadError(fmt::format("nothing to read at {:#x}", address_));
    return result;
}

i64 GuestObject::signed_value() const {
    const u64 raw = value();
    const unsigned shift = static_cast<unsigned>(64 - 8 * type_->size);
    return static_cast<i64>(raw << shift) >> shift;
}

std::string GuestObject::text(size_t limit) const {
    if (type_ != nullptr && type_->kind == TypeKind::Pointer) {
        const u64 target = value();
        return target == 0 ? "" : memory_->string(target, limit).text;
    }
    if (type_ == nullptr || type_->kind != TypeKind::Array)
        throw GuestReadError(name_of(type_) + " is no string");
    return memory_->string(address_, std::min<size_t>(limit, type_->size)).text;
}

GuestObject GuestObject::container(const Type* type, std::string_view member) const {
    Member found;
    if (type == nullptr || !type->find_member(member, &found))
        throw GuestReadError(fmt::format("{} has no member {}", name_of(type), member));
    return {*memory_, type, address_ - found.offset};
}

}  // namespace orrery
