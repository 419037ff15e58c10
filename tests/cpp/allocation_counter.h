// Counts calls of malloc and its kin in this process, all threads. Only with glibc and without a sanitizer, which
// brings its own malloc.
#pragma once

#include <cstdint>

namespace ingot::testing {

bool can_count_allocations();
std::int64_t num_allocations();  // so far

}  // namespace ingot::testing
