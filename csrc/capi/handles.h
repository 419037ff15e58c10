// What the opaque handles of the C API hold, and the barrier that turns exceptions into statuses.
#pragma once

#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "capi/ingot.h"
#include "program.h"

// A tensor's texts, kept so that they can be borrowed.
struct ingot_tensor_text {
  std::string name, type;
};

struct ingot_program {
  struct GraphTexts {
    std::vector<ingot_tensor_text> inputs, outputs;
  };
  std::shared_ptr<ingot::Program> program;
  std::vector<GraphTexts> graphs;
  std::vector<ingot_tensor_text> states;
};

struct ingot_session {
  std::shared_ptr<ingot::Program> program;
  std::shared_ptr<ingot::Session> session;
};

namespace ingot::capi {

// Remembers the message of the exception being handled for ingot_last_error and gives its status. Never throws.
ingot_status report_exception() noexcept;

// Runs `work` and reports whatever it throws.
template <class Work>
ingot_status guarded(Work&& work) noexcept {
  try {
    std::forward<Work>(work)();
    return INGOT_OK;
  } catch (...) {
    return report_exception();
  }
}

// ArgumentError naming the function and the argument that is null.
void require(const void* pointer, const char* function, const char* argument);

// The caller's struct, as far as the caller has it, in ours; the rest is zero. ArgumentError when the caller has
// fields that are unknown here and not zero.
void read_struct(void* ours, std::size_t our_size, std::size_t first_version_size, const void* theirs,
                 const char* name);

// One tensor of the caller as the core sees it. `needs_data`: its elements will be read or written.
ArrayRef to_array(const ingot_tensor& tensor, const char* what, std::size_t index, bool needs_data);
DimValues to_dims(const ingot_dim* dims, std::size_t num_dims, const char* function);

DType to_dtype(ingot_dtype dtype, const char* what, std::size_t index);
ingot_dtype from_dtype(DType dtype);

}  // namespace ingot::capi
