#include "cuda/codegen_operands.h"

namespace ingot::cuda {
namespace {

std::string number(int n) {
  return std::to_string(n);
}

}  // namespace

std::string inputs_text(const DeviceGroup& group, const GroupRegisters& registers) {
  std::string members, loads;
  for (int r = 0; r < group.num_inputs; ++r) {
    const auto at = static_cast<std::size_t>(r);
    if (registers.per_row[at]) continue;
    members += std::string("  ") + registers.types[at].text + " r" + number(r) + "[kAtOnce];\n";
    if (r < group.anchored) continue;
    loads += "    at.load(" + number(r - group.anchored) + ", r" + number(r) + ");\n";
  }
  return "struct Inputs {\n" + members +
         "  template <class At>\n"
         "  INGOT_INLINE void load([[maybe_unused]] const At& at) {\n" +
         loads + "  }\n};\n\n";
}

std::string outputs_text(const DeviceGroup& group, const GroupRegisters& registers) {
  std::string members, stores;
  for (int i = 0; i < group.num_outputs; ++i) {
    const auto r = static_cast<std::size_t>(group.output_registers[i]);
    if (registers.per_row[r]) continue;
    members += std::string("  ") + registers.types[r].text + " o" + number(i) + "[kAtOnce];\n";
    stores += "    at.store(" + number(group.num_inputs - group.anchored + i) + ", o" + number(i) + ");\n";
  }
  return "struct Outputs {\n" + members +
         "  template <class At>\n"
         "  INGOT_INLINE void store([[maybe_unused]] const At& at) const {\n" +
         stores + "  }\n};\n\n";
}

}  // namespace ingot::cuda
