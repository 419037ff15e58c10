// Generated text of groups with an anchor: the operands and the values of one element as in codegen.cpp, and a kernel
// of the anchor's that is given both.
#include "cuda/codegen.h"
#include "cuda/codegen_operands.h"
#include "cuda/codegen_registers.h"
#include "cuda/group_arguments.h"

namespace ingot::cuda {
namespace {

// How kernels/anchored.h spells a kernel.
struct Spelling {
  const char* source;  // what its operands are; null: it has none of tiles
  const char* work;
  const char* bounds;
  const char* run;
  bool in_pieces;  // a thread has 16 bytes of register 0 at once
};

constexpr char kTileSmall[] = "multiply_items<TileShapes<Source>::Small>(work.product, work.num_items, finish)";
constexpr char kTileLarge[] = "multiply_items<TileShapes<Source>::Large>(work.product, work.num_items, finish)";
constexpr char kBoundsSmall[] = "256, TileShapes<Source>::Small::kBlocksPerProcessor";
constexpr char kBoundsLarge[] = "256, TileShapes<Source>::Large::kBlocksPerProcessor";

Spelling spelling_of(AnchorKernel kernel) {
  switch (kernel) {
    case AnchorKernel::kTiles:
      return {"StridedLines", "TileWork<Source>", kBoundsSmall, kTileSmall, true};
    case AnchorKernel::kLargeTiles:
      return {"StridedLines", "TileWork<Source>", kBoundsLarge, kTileLarge, true};
    case AnchorKernel::kPatchTiles:
      return {"PatchLines", "TileWork<Source>", kBoundsSmall, kTileSmall, true};
    case AnchorKernel::kLargePatchTiles:
      return {"PatchLines", "TileWork<Source>", kBoundsLarge, kTileLarge, true};
    case AnchorKernel::kFewRows:
      return {"StridedLines", "TileWork<Source>", "256, 2",
              "multiply_items_of_few_rows<Element>(work.product, work.num_items, finish)", false};
    case AnchorKernel::kSums:
      return {nullptr, "SumWork", "kBlockThreads", "add_all_parts<Element>(work.sum, finish)", false};
    case AnchorKernel::kPixels:
      break;
  }
  return {nullptr, "PixelWork", "kBlockThreads, 3", "convolve_items<Element>(work.conv, work.num_items, finish)",
          false};
}

// Integers are multiplied as unsigned ones.
std::string element_of(const RegisterType& type) {
  const std::string text = type.text;
  return text == "std::int32_t" ? "std::uint32_t" : text == "std::int64_t" ? "std::uint64_t" : text;
}

std::string group_text(const DeviceGroup& group, const GroupRegisters& registers) {
  const auto name = [&](int r) {
    return (r < group.num_inputs ? "x.r" : "r") + std::to_string(r) + (r < group.num_inputs ? "[e]" : "");
  };
  std::string text =
      "struct Group {\n"
      "  static constexpr int kAtOnce = cuda::kAtOnce;\n"
      "  using Inputs = cuda::Inputs;\n"
      "  using Outputs = cuda::Outputs;\n"
      "  INGOT_INLINE static void compute(const Inputs& x, Outputs& y, int e) {\n";
  for (int i = 0; i < group.num_ops; ++i) {
    const int r = group.num_inputs + i;
    std::vector<std::string> operands;
    for (int j = 0; j < group.ops[i].num_operands; ++j) operands.push_back(name(group.ops[i].operands[j]));
    text += std::string("    const ") + registers.types[static_cast<std::size_t>(r)].text + " " + name(r) + " = " +
            value_text(group.ops[i], operands) + ";\n";
  }
  for (int i = 0; i < group.num_outputs; ++i) {
    text += "    y.o" + std::to_string(i) + "[e] = " + name(group.output_registers[i]) + ";\n";
  }
  return text + "  }\n};\n\n";
}

std::string kernel_text(const Spelling& spelling) {
  return std::string("extern \"C\" __global__ void __launch_bounds__(") + spelling.bounds +
         ")\n"
         "    ingot_group(const __grid_constant__ Arguments arguments) {\n"
         "  const Arguments::Work& work = arguments.work;\n"
         "  if (stopped(work.guard)) return;\n"
         "  const FinishGroup<Group, Arguments> finish = {arguments};\n"
         "  " +
         spelling.run + ";\n}\n\n}  // namespace ingot::cuda\n";
}

}  // namespace

bool generate_anchored_group(const DeviceGroup& group, AnchorKernel kernel, GroupSource* source, std::string* why) {
  *source = {};
  GroupRegisters registers;
  const int num_operands = group.num_inputs - 1 + group.num_outputs;
  if (num_operands > kAnchoredMaxOperands) {
    *why = "a group with an anchor has more than 32 inputs and outputs";
    return false;
  }
  if (!find_registers(group, &registers, why)) return false;
  if (group.row_axes > 0) {
    *why = "a group with an anchor looks at whole rows";
    return false;
  }
  for (int r = 1; r < group.num_inputs; ++r) {
    source->element_bytes.push_back(registers.types[static_cast<std::size_t>(r)].bytes);
  }
  for (int i = 0; i < group.num_outputs; ++i) {
    source->element_bytes.push_back(registers.types[static_cast<std::size_t>(group.output_registers[i])].bytes);
    source->output_per_row.push_back(0);
  }
  source->first_input = group.first_input;
  const Spelling spelling = spelling_of(kernel);
  source->at_once = spelling.in_pieces ? 16 / registers.types[0].bytes : 1;
  source->text =
      "#include \"cuda/kernels/anchored.h\"\n\nnamespace ingot::cuda {\n\nusing namespace device;\n"
      "constexpr int kAtOnce = " +
      std::to_string(source->at_once) +
      ";\n"
      "using Element = " +
      element_of(registers.types[0]) + ";\n";
  if (spelling.source != nullptr) source->text += std::string("using Source = ") + spelling.source + "<Element>;\n";
  source->text += std::string("using Arguments = AnchoredArguments<") + spelling.work + ", " +
                  std::to_string(num_operands) + ">;\n\n" + inputs_text(group, registers) +
                  outputs_text(group, registers) + group_text(group, registers) + kernel_text(spelling);
  return true;
}

}  // namespace ingot::cuda
