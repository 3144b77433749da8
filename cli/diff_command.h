// orrery diff: where two recorded runs part.
#pragma once

#include <string>

namespace CLI {
class App;
}

namespace orrery {

struct DiffOptions {
    std::string a, b;  // recordings

    void declare(CLI::App& app);
};

// 0: they are the same; 1: they part, and where has been printed. Throws RecordingError.
int run_diff(const DiffOptions& options);

}  // namespace orrery
