// cuBLASLt by its C functions, declared here by hand as NVIDIA's documentation has them ("cuBLASLt API", the same since
// CUDA 12.0; enums cross as int). Opened when a program first allows what it is for, never before.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>
#include <string>

namespace ingot::cuda::blas {

using Handle = struct OpaqueHandle*;
using Description = struct OpaqueDescription*;  // of a product
using Layout = struct OpaqueLayout*;            // of a matrix, column by column
using Preference = struct OpaquePreference*;    // which algorithms may be chosen

struct Algorithm {
  std::uint64_t data[8];
};

struct Candidate {
  Algorithm algorithm;
  std::size_t workspace_bytes;
  int status;  // the rest means something only for kSuccess
  float num_waves;
  int reserved[4];
};
static_assert(sizeof(Algorithm) == 64 && sizeof(Candidate) == 96);

inline constexpr int kSuccess = 0, kNotInitialized = 1, kAllocationFailed = 3, kInvalidValue = 7, kArchMismatch = 8,
                     kNotSupported = 15;
inline constexpr int kF32 = 0, kF64 = 1, kF16 = 2, kBF16 = 14;               // cudaDataType
inline constexpr int kComputeF32 = 68, kComputeF64 = 70, kComputeTf32 = 77;  // cublasComputeType_t
inline constexpr int kTransposeA = 3, kTransposeB = 4;                       // of a Description; i32: 0, 1
inline constexpr int kEpilogue = 7, kBiasPointer = 8;                        // of a Description; u32, an address
inline constexpr int kBatches = 5, kBatchStride = 6;                         // of a Layout; i32, i64 in elements
inline constexpr int kMostWorkspace = 1, kReductions = 3, kAlignmentA = 5, kAlignmentB = 6, kAlignmentC = 7,
                     kAlignmentD = 8;  // of a Preference; u64, then u32
// Of kEpilogue; by default nothing is done to a total. A vector is added to every column: one element to each row.
inline constexpr std::uint32_t kAddBias = 4;
// Parts of a sum go to the workspace in float32 (or float64) and are added in order by a second kernel. The other
// schemes, in place and in the dtype of the result, round more than once.
inline constexpr std::uint32_t kReduceInComputeType = 2;

struct Functions {
  std::size_t (*version)();
  const char* (*status_text)(int status);
  int (*create)(Handle* handle);
  int (*destroy)(Handle handle);
  int (*create_description)(Description* description, int compute_type, int scale_type);
  int (*destroy_description)(Description description);
  int (*set_description)(Description description, int attribute, const void* value, std::size_t num_bytes);
  int (*create_layout)(Layout* layout, int type, std::uint64_t rows, std::uint64_t columns, std::int64_t leading);
  int (*destroy_layout)(Layout layout);
  int (*set_layout)(Layout layout, int attribute, const void* value, std::size_t num_bytes);
  int (*create_preference)(Preference* preference);
  int (*destroy_preference)(Preference preference);
  int (*set_preference)(Preference preference, int attribute, const void* value, std::size_t num_bytes);
  int (*find_candidates)(Handle handle, Description description, Layout a, Layout b, Layout c, Layout d,
                         Preference preference, int most, Candidate* candidates, int* count);
  int (*check)(Handle handle, Description description, Layout a, Layout b, Layout c, Layout d,
               const Algorithm* algorithm, Candidate* result);
  int (*multiply)(Handle handle, Description description, const void* alpha, const void* a, Layout a_layout,
                  const void* b, Layout b_layout, const void* beta, const void* c, Layout c_layout, void* d,
                  Layout d_layout, const Algorithm* algorithm, void* workspace, std::size_t workspace_bytes,
                  cudaStream_t stream);
};

struct Library {
  Functions call = {};
  std::string version;  // "13.1.0"
  std::string why;      // not empty: it cannot be used
};

// The one of this process. Thread rule: any thread.
const Library& library();

}  // namespace ingot::cuda::blas
