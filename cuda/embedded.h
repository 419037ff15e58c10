// The headers that generated code includes, as text: cmake/embed_headers.cmake writes embedded_headers.cpp in the build
// folder.
#pragma once

#include <span>

namespace ingot::cuda {

struct EmbeddedHeader {
  const char* name;  // as includes say it: "kernels/scalar.h"
  const char* text;
};

// Of the headers below, those that they include, and so on.
std::span<const EmbeddedHeader> embedded_headers();

}  // namespace ingot::cuda
