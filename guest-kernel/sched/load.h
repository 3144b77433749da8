// The load average's sampler.
//
// Guarantees: run_queue.load_average is kept from load_init on.
#pragma once

void load_init();
