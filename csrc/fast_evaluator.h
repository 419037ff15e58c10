// What the optimizer asks where the caller gave a device freedoms (docs/decisions/fast.md). Part of program.
#pragma once

#include <cstdint>
#include <string_view>

#include "device/device.h"
#include "evaluator.h"

namespace ingot {

// What a device computes by one of its libraries, where the caller gave the freedom, stays in the library's dtype and
// apart from attention, which only the project's own kernels run, and from all groups but what the library can add.
class FastEvaluator final : public KernelEvaluator {
 public:
  // `level`, `lay_ns` and `device` are borrowed. device: null is the processor, which makes nothing of freedoms.
  FastEvaluator(const KernelTable& level, int num_threads, std::int64_t* lay_ns, const Device* device,
                std::uint32_t freedoms)
      : KernelEvaluator(level, num_threads, lay_ns), device_(device), freedoms_(freedoms) {}
  bool computes(const OpRow& op, DType dtype, DType result) const override;
  bool takes_group(const Graph& graph, const GroupForm& form) const override;
  bool computes_attention(DType dtype) const override;
  // row_op: what is done to every element with a vector along the last axis; null: nothing.
  bool is_fast(std::string_view op, const char* row_op, DType dtype) const;

 private:
  const Device* device_;
  std::uint32_t freedoms_;
};

}  // namespace ingot
