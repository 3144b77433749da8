// Shared anonymous memory (mm/anon_object.h).
//
// Guarantees: as in the header; a mapping may grow by mremap, so there is no end.
#include "mm/anon_object.h"

#include "mm/overcommit.h"

Result<RefPtr<AnonObject>> AnonObject::make(u64 pages, bool promised) {
    if (!promised) pages = 0;
    TRY(vm_commit(nullptr, pages));
    Result<RefPtr<AnonObject>> object = make_ref<AnonObject>(pages);
    if (!object.ok()) vm_uncommit(pages);
    return object;
}

Result<Page*> AnonObject::get_page(u64 index, bool) {
    const auto pages = pages_.lock();
    Page* page = pages->get(index);
    if (!page) {
        page = alloc_page(kAllocZero | kAllocUser);
        if (!page) return Errno::ENOMEM;
        const Result<void> put = pages->set(index, page);
        if (!put.ok()) {
            page_put(page);
            return put.error();
        }
    }
    page_get(page);
    return page;
}

AnonObject::~AnonObject() {
    vm_uncommit(promised_);
}
