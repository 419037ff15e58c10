// What tests ask of the double of cuBLASLt, and set in it. Functions of C: tests find them by name in the library,
// which the plugin opens by the environment variable INGOT_CUBLASLT.
#pragma once

#include <cstdint>

struct CublasLtOnHostCounts {
  std::int64_t handles, descriptions, layouts, preferences;  // alive
  std::int64_t searches, products, biases;                   // so far: of candidates; enqueued; those with a bias
};

enum CublasLtOnHostCall : std::int32_t { kNoCall, kCreateCall, kSearchCall, kCheckCall, kMultiplyCall };

#pragma GCC visibility push(default)
extern "C" {
void cublaslt_on_host_counts(CublasLtOnHostCounts* counts);
// From then on this call returns this status, and does nothing.
void cublaslt_on_host_fail(std::int32_t call, std::int32_t status);
// Algorithms other than this one of 0, 1, 2 take a millisecond longer; -1: none does.
void cublaslt_on_host_set_fastest(std::int32_t algorithm);
std::int32_t cublaslt_on_host_last_algorithm();  // that was enqueued
const char* cublaslt_on_host_problem();  // what was wrong with the arguments of a call, the last time; "": nothing
}
#pragma GCC visibility pop
