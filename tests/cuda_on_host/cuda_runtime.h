// CUDA's runtime on a CPU: lets a C++ compiler build the sources of the device plugin and run them where there is no
// device. This is the header those sources include; it has what they use, under CUDA's own names, and no more.
// What differs from a device on purpose is what finds mistakes: memory that was never written holds NaNs, threads run
// in an order drawn from a seed, streams run late, and what is undefined on a device is an error here (emulator.h).
#pragma once

#include "device_code.h"
#include "host_calls.h"
