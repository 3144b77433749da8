// One target, run by libFuzzer (https://llvm.org/docs/LibFuzzer.html).
#include "tests/fuzz/target.h"

extern "C" int LLVMFuzzerTestOneInput(const orrery::u8* data, size_t size) {
    orrery::fuzz::Target::all().front()->run({data, size});
    return 0;
}
