// Mapping the vDSO: a page of data, read-only, and the image behind it.
#include "arch/x86_64/vdso.h"

#include "core/string.h"
#include "mm/buddy.h"
#include "mm/mm_struct.h"
#include "time/clocksource.h"
#include "time/tick.h"

extern "C" {
extern const u8 vdso_image_start[], vdso_image_end[];
}

namespace {

class VdsoObject final : public MemoryObject {
  public:
    static constexpr u64 kMaxPages = 4;
    Result<Page*> get_page(u64 index, bool) override {
        if (index >= count) return Errno::ENXIO;
        page_get(pages[index]);
        return pages[index];
    }
    Page* pages[kMaxPages] = {};  // the first is the data
    u64 count = 0;
};
RefPtr<VdsoObject> g_vdso;  // set once, at boot

}  // namespace

void vdso_init() {
    Result<RefPtr<VdsoObject>> made = make_ref<VdsoObject>();
    if (!made.ok()) panic("vdso: no memory");
    g_vdso = made.release_value();
    const u64 size = static_cast<u64>(vdso_image_end - vdso_image_start);
    g_vdso->count = 1 + (size + kPageSize - 1) / kPageSize;
    BUG_ON(g_vdso->count > VdsoObject::kMaxPages);
    for (u64 i = 0; i < g_vdso->count; i++) {
        Page* page = alloc_page(kAllocZero);
        if (!page) panic("vdso: no memory");
        u8* to = static_cast<u8*>(page_address(page));
        if (i > 0) {
            const u64 from = (i - 1) * kPageSize;
            memcpy(to, vdso_image_start + from, min<u64>(size - from, kPageSize));
        }
        g_vdso->pages[i] = page;
    }
    vdso_data().tick_ns = kTickNs;
    clocksource_export(&vdso_data());
}

VdsoData& vdso_data() {
    return *static_cast<VdsoData*>(page_address(g_vdso->pages[0]));
}

Result<u64> vdso_map(mm_struct* mm) {
    MmapGuard guard(mm);
    const u64 size = g_vdso->count * kPageSize;
    const u64 start = TRY(find_free_range(mm, 0, size));
    const RefPtr<MemoryObject> object = g_vdso;
    TRY(insert_area(mm, start, start + kPageSize, VM_READ | VM_MAYREAD | VM_DONTDUMP, {}, object, 0));
    TRY(insert_area(mm, start + kPageSize, start + size,
                    VM_READ | VM_EXEC | VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC, {}, object, 1));
    return start + kPageSize;
}

const char* vdso_area_name(const MemoryObject* object, u64 pgoff) {
    if (!object || object != g_vdso.get()) return nullptr;
    return pgoff == 0 ? "[vvar]" : "[vdso]";
}
