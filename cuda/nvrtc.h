// From source text to machine code. This is NVRTC, opened when it is first asked for (nvrtc.cpp); tests/cuda_on_host
// puts the C++ compiler of the host in its place. loaded_code.h makes something of it that can be launched.
//
// A source defines one kernel, `extern "C" __global__ void ingot_group(const ingot::cuda::Arguments arguments)`, whose
// Arguments is a struct that can be copied byte by byte. It may include the headers handed in, and assumes no other.
// Thread rule: all functions may be called by any thread.
#pragma once

#include <cstddef>
#include <string>

#include "cuda/embedded.h"

namespace ingot::cuda {

inline constexpr char kSourceKernel[] = "ingot_group";

struct SourceCode {
  const char* text;
  const EmbeddedHeader* headers;
  std::size_t num_headers;
  int major, minor;  // compute capability
};

// What compiles, and whatever of its options decides about the result: "nvrtc 13.0 sm_90 -fmad=false". The same words
// and the same text give the same code. Empty, with `why`, where there is no compiler.
std::string compiler_of(int major, int minor, std::string* why);

// Machine code, as bytes that can be kept in a file. False, with `why` (one line), where it cannot be made.
bool compile_source(const SourceCode& source, std::string* code, std::string* why);

}  // namespace ingot::cuda
