#include "cli/app.h"

int main(int argc, char** argv) {
    return orrery::run_app(argc, argv);
}
