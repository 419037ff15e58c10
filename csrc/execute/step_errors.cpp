// What errors of steps say.
#include "base/error.h"
#include "execute/bind.h"

namespace ingot {

std::string origin_suffix(const CompiledPlan& compiled, std::size_t step) {
  const NodeId node = compiled.plan.steps[step].node;
  if (!node.valid() || node.index >= compiled.graph->nodes.size()) return {};
  const Origin& origin = compiled.graph->node(node).origin;
  return origin.file.empty() ? std::string() : concat("  (", origin.file, ":", origin.line, ")");
}

void fail_step(const CompiledPlan& compiled, std::size_t index, const ErrorWord& error) {
  const Step& step = compiled.plan.steps[index];
  const std::string origin = origin_suffix(compiled, index);
  if (step.kind == StepKind::kAbort) fail(ErrorCode::kAbort, concat("abort: ", step.message, origin));
  std::string expected = concat(-error.extent, "..", error.extent - 1);
  if (error.extent <= 0) expected = "none, the axis is empty";
  if (error.value >= -error.extent && error.value < error.extent)  // an index, but a window does not fit there
    expected = concat("a window inside 0..", error.extent - 1);
  fail(ErrorCode::kRange, concat(step.kernel, ": index out of range: got ", error.value, ", expected ", expected,
                                 " (element ", error.element, ")", origin));
}

}  // namespace ingot
