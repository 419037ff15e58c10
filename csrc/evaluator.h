// The optimizer's view of the runtime: which kernels there are, and one node planned and run like any other. Part of
// program. Params are laid by the level's own kernel, on the program's threads.
// Thread rule: one thread at a time: it keeps the programs of the nodes that it has run.
#pragma once

#include "execute/kernel.h"
#include "optimize/pass.h"

namespace ingot {

class KernelEvaluator : public Evaluator {
 public:
  // `level` and `lay_ns` are borrowed; the time of every `lay` is added to *lay_ns where it is not null.
  explicit KernelEvaluator(const KernelTable& level, int num_threads = 1, std::int64_t* lay_ns = nullptr)
      : level_(level), num_threads_(num_threads), lay_ns_(lay_ns) {}
  bool computes(const OpRow& op, DType dtype, DType result) const override;
  bool takes_group(const Graph& graph, const GroupForm& form) const override;
  bool computes_attention(DType dtype) const override;
  std::vector<std::byte> evaluate(const OpRow& op, std::span<const TensorType> operand_types,
                                  std::span<const std::span<const std::byte>> operands, const Attrs& attrs,
                                  const TensorType& result_type) const override;
  PanelWish panel_wish(const OpRow& op, DType dtype, std::size_t operand, std::size_t rank,
                       const Attrs& attrs) const override;
  TensorData lay(const TensorType& type, const TensorData& data, const Layout& from, const Layout& to) const override;

 private:
  struct NodeProgram;
  static constexpr std::size_t kMostPrograms = 64;  // are searched one by one

  const NodeProgram& node_program(const OpRow& op, std::span<const TensorType> operand_types, const Attrs& attrs,
                                  const TensorType& result_type) const;

  const KernelTable& level_;
  int num_threads_;
  std::int64_t* lay_ns_;
  mutable std::vector<std::shared_ptr<const NodeProgram>> programs_;
};

}  // namespace ingot
