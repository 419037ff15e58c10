#include "cuda/codegen.h"

#include "cuda/codegen_operands.h"
#include "cuda/codegen_registers.h"
#include "cuda/group_arguments.h"

namespace ingot::cuda {
namespace {

// What a thread loads at once is 16 bytes of the widest operand, but no more elements than this; fewer where the code
// of that many would be long.
constexpr int kMostAtOnce = 8, kMostAtOnceOfRows = 4, kMostOpsAtOnce = 64;

constexpr int kNone = -1;

class Generator {
 public:
  // attention: of a tile of scores between two products, else of rows anywhere.
  Generator(const DeviceGroup& group, bool attention, GroupSource* source, std::string* why)
      : group_(group), attention_(attention), source_(*source), why_(*why) {}

  bool run() {
    if (group_.anchored != 0) {
      why_ = "a group with an anchor is part of the anchor's code";
      return false;
    }
    if (group_.num_inputs + group_.num_outputs > kGroupMaxOperands) {
      why_ = "a group has more than 48 inputs and outputs";
      return false;
    }
    if (!find_registers(group_, &registers_, &why_)) return false;
    find_operands();
    choose_at_once();
    choose_kept();
    write_head();
    source_.text += inputs_text(group_, registers_) + outputs_text(group_, registers_);
    line("}  // namespace ingot::cuda\n");
    write_kernel();
    return true;
  }

 private:
  const DeviceGroupOp& op_of(int r) const { return group_.ops[r - group_.num_inputs]; }
  bool is_input(int r) const { return r < group_.num_inputs; }
  int num_registers() const { return group_.num_inputs + group_.num_ops; }
  const RegisterType& type_of(int r) const { return registers_.types[static_cast<std::size_t>(r)]; }
  bool per_row(int r) const { return registers_.per_row[static_cast<std::size_t>(r)]; }

  void find_operands() {
    source_.has_rows = group_.row_axes > 0;
    source_.row_axes = group_.row_axes;
    for (int i = 0; i < group_.num_inputs; ++i) source_.element_bytes.push_back(type_of(i).bytes);
    for (int i = 0; i < group_.num_outputs; ++i) {
      const int r = group_.output_registers[i];
      source_.element_bytes.push_back(type_of(r).bytes);
      source_.output_per_row.push_back(per_row(r) ? 1 : 0);
    }
  }

  void choose_at_once() {
    int widest = 1;
    for (const int bytes : source_.element_bytes) widest = bytes > widest ? bytes : widest;
    int n = 16 / widest;
    const int most = source_.has_rows ? kMostAtOnceOfRows : kMostAtOnce;
    n = n < most ? n : most;
    while (n > 1 && n * group_.num_ops > kMostOpsAtOnce) n /= 2;
    source_.at_once = n;
  }

  static std::string number(int n) { return std::to_string(n); }
  std::string declaration(int r) const { return std::string("const ") + type_of(r).text + " r" + number(r) + " = "; }
  void line(const std::string& text) { source_.text += text + "\n"; }

  void write_head() {
    line("// " + number(group_.num_inputs) + " inputs, " + number(group_.num_ops) + " ops, " +
         number(group_.num_outputs) + " outputs" + (source_.has_rows ? ", of rows." : "."));
    const char* const header = attention_         ? "kernels/score_tile.h"
                               : source_.has_rows ? "group_rows.h"
                                                  : "group_device.h";
    line(std::string("#include \"cuda/") + header + "\"\n");
    line("namespace ingot::cuda {\n");
    line("using namespace device;");
    line(std::string("using Arguments = ") + (attention_ ? "AttentionArguments<" : "GroupArguments<") +
         number(group_.num_inputs + group_.num_outputs) + ">;");
    line("constexpr int kAtOnce = " + number(source_.at_once) + ";\n");
  }

  // A register where it is read: an input of elements is read from what was loaded.
  std::string name_of(int r) const { return is_input(r) && !per_row(r) ? "x.r" + number(r) + "[e]" : "r" + number(r); }

  std::string value_of(int r) const {
    const DeviceGroupOp& op = op_of(r);
    std::vector<std::string> operands;
    for (int j = 0; j < op.num_operands; ++j) operands.push_back(name_of(op.operands[j]));
    return value_text(op, operands);
  }

  // The registers with an element for every element that these are made of, inputs but for the ones that are per row.
  std::vector<bool> cone(const std::vector<int>& wanted, int leaf = kNone) const {
    std::vector<bool> needed(static_cast<std::size_t>(num_registers()), false);
    for (const int r : wanted) needed[static_cast<std::size_t>(r)] = !per_row(r);
    for (int r = num_registers() - 1; r >= group_.num_inputs; --r) {
      if (!needed[static_cast<std::size_t>(r)] || r == leaf) continue;
      const DeviceGroupOp& op = op_of(r);
      for (int j = 0; j < op.num_operands; ++j) {
        if (!per_row(op.operands[j])) needed[static_cast<std::size_t>(op.operands[j])] = true;
      }
    }
    return needed;
  }

  int num_costly(const std::vector<bool>& registers) const {
    int count = 0;
    for (int r = group_.num_inputs; r < num_registers(); ++r) {
      count += registers[static_cast<std::size_t>(r)] && is_costly(op_of(r)) ? 1 : 0;
    }
    return count;
  }

  // What each walk over a row's elements is for: the reductions in order, then the outputs.
  std::vector<std::vector<int>> phases() const {
    std::vector<std::vector<int>> all;
    for (int r = group_.num_inputs; r < num_registers(); ++r) {
      if (op_of(r).is_reduction != 0) all.push_back({op_of(r).operands[0]});
    }
    if (!element_outputs().empty()) all.push_back(element_outputs());
    return all;
  }

  void choose_kept() {
    if (!source_.has_rows) return;
    std::vector<std::vector<bool>> needed;
    for (const std::vector<int>& wanted : phases()) needed.push_back(cone(wanted));
    int best = 0;
    for (int r = group_.num_inputs; r < num_registers(); ++r) {
      int phases = 0;
      for (const std::vector<bool>& registers : needed) phases += registers[static_cast<std::size_t>(r)] ? 1 : 0;
      const int saved = phases > 1 ? num_costly(cone({r})) * (phases - 1) : 0;
      if (saved == 0 || saved < best) continue;
      best = saved;
      kept_ = r;
    }
    if (kept_ != kNone) source_.kept_bytes = type_of(kept_).bytes;
  }

  // Of attention: whether scores have been read for the last time when the kept register is first computed.
  bool keeps_on_scores() const {
    bool is_later = false;
    for (const std::vector<int>& wanted : phases()) {
      if (is_later && cone(wanted, kept_)[0]) return false;
      is_later = is_later || (kept_ != kNone && cone(wanted)[static_cast<std::size_t>(kept_)]);
    }
    return is_later && source_.kept_bytes == static_cast<int>(sizeof(float));
  }

  void write_registers(const std::vector<bool>& needed, const std::string& indent) {
    for (int r = group_.num_inputs; r < num_registers(); ++r) {
      if (needed[static_cast<std::size_t>(r)]) line(indent + declaration(r) + value_of(r) + ";");
    }
  }

  // The ops that these registers need, in order.
  void write_elements(const std::vector<int>& wanted, const std::string& indent) {
    const std::vector<bool> all = cone(wanted);
    if (kept_ == kNone || !all[static_cast<std::size_t>(kept_)]) return write_registers(all, indent);
    std::vector<bool> before(all.size()), after = cone(wanted, kept_), own = cone({kept_});
    for (std::size_t r = 0; r < all.size(); ++r) {  // what others need too stays outside of the choice
      before[r] = own[r] && after[r] && static_cast<int>(r) != kept_;
      own[r] = own[r] && !before[r];
      after[r] = after[r] && !before[r] && static_cast<int>(r) != kept_;
    }
    write_registers(before, indent);
    if (!is_kept_) {
      write_registers(own, indent);
      line(indent + "row.keep(at, r" + number(kept_) + ");");
    } else {
      const std::string name = "r" + number(kept_), type = type_of(kept_).text;
      line(indent + "const " + type + " " + name + " = row.keeps() ? row.kept<" + type + ">(at) : [&] {");
      write_registers(own, indent + "  ");
      line(indent + "  return " + name + ";");
      line(indent + "}();");
    }
    is_kept_ = true;
    write_registers(after, indent);
  }

  std::vector<int> element_outputs() const {
    std::vector<int> outputs;
    for (int i = 0; i < group_.num_outputs; ++i) {
      if (!per_row(group_.output_registers[i])) outputs.push_back(group_.output_registers[i]);
    }
    return outputs;
  }

  void write_results(const std::string& indent) {
    write_elements(element_outputs(), indent);
    for (int i = 0; i < group_.num_outputs; ++i) {
      const int r = group_.output_registers[i];
      if (!per_row(r)) line(indent + "y.o" + number(i) + "[e] = " + name_of(r) + ";");
    }
  }

  void write_kernel() {
    line("extern \"C\" __global__ void __launch_bounds__(ingot::cuda::kGroupBlock)");
    line("    ingot_group(const __grid_constant__ ingot::cuda::Arguments arguments) {");
    line("  using namespace ingot::cuda;");
    line(std::string("  if (stopped(arguments.") + (attention_ ? "group." : "") + "space.stop)) return;");
    if (attention_) {
      line("  for (ScoreTile tile(arguments.tiles); tile.more(); tile.next()) {");
      line("  tile.multiply_scores();");
      const std::string keeps = keeps_on_scores() ? "<true>" : "<false>";
      write_rows("Rows<decltype(arguments.group), RowsOfTile" + keeps + "> row(arguments.group, tile.rows" + keeps +
                 "())");
      line("  tile.multiply_values();");
      line("  }");
    } else if (source_.has_rows) {
      write_rows("Rows<Arguments> row(arguments)");
    } else {
      line("  for_all<Inputs, Outputs, kAtOnce>(arguments, [&](const Inputs& x, Outputs& y, int e, std::uint32_t) {");
      write_results("    ");
      line("  });");
    }
    line("}");
  }

  void write_rows(const std::string& rows) {
    line("  for (" + rows + "; row.more(); row.next()) {");
    for (int r = 0; r < group_.num_inputs; ++r) {
      if (per_row(r)) line("    " + declaration(r) + "row.load<" + type_of(r).text + ">(" + number(r) + ");");
    }
    for (int r = group_.num_inputs; r < num_registers(); ++r) {
      if (!per_row(r)) continue;
      if (op_of(r).is_reduction != 0) {
        write_reduction(r);
      } else {
        line("    " + declaration(r) + value_of(r) + ";");
      }
    }
    if (!element_outputs().empty()) {
      line(
          "    row.for_each<Inputs, Outputs, kAtOnce>([&](const Inputs& x, Outputs& y, int e, "
          "std::uint32_t at) {");
      write_results("      ");
      line("    });");
    }
    write_row_outputs();
    if (kept_ != kNone) line("    row.wait();");
    line("  }");
  }

  void write_reduction(int r) {
    const DeviceGroupOp& op = op_of(r);
    line("    " + declaration(r) + "row.reduce<" + reduction_type(op) + ", " + type_of(r).text +
         ", Inputs, kAtOnce>([&](const Inputs& x, int e, std::uint32_t at) {");
    write_elements({op.operands[0]}, "      ");
    line("      return " + name_of(op.operands[0]) + ";");
    line("    });");
  }

  void write_row_outputs() {
    bool waits = false;
    for (int i = 0; i < group_.num_outputs; ++i) {
      const int r = group_.output_registers[i];
      if (!per_row(r)) continue;
      if (!waits) line("    row.wait();");
      waits = true;
      line("    row.store(" + number(group_.num_inputs + i) + ", " + name_of(r) + ");");
    }
  }

  const DeviceGroup& group_;
  const bool attention_;
  GroupSource& source_;
  std::string& why_;
  GroupRegisters registers_;
  int kept_ = kNone;      // register whose elements lie in shared memory from the first phase that computes it on
  bool is_kept_ = false;  // that phase has been written
};

}  // namespace

bool generate_group(const DeviceGroup& group, GroupSource* source, std::string* why) {
  *source = {};
  return Generator(group, false, source, why).run();
}

bool generate_attention(const DeviceGroup& group, GroupSource* source, std::string* why) {
  *source = {};
  return Generator(group, true, source, why).run();
}

}  // namespace ingot::cuda
