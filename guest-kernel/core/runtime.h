// Start-up of the C++ run time.
//
// Guarantees: constructors of globals run once, before anything uses those globals.
#pragma once

void run_global_constructors();
