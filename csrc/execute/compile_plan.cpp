// Plan -> CompiledPlan: finds kernels, flattens operands and attributes, lists symbolic sizes.
#include <algorithm>
#include <bit>
#include <map>
#include <tuple>
#include <utility>

#include "base/error.h"
#include "execute/bind.h"
#include "execute/combine.h"
#include "execute/levels.h"
#include "ops/op.h"

namespace ingot {

static_assert(kKernelMaxRank == kMaxRank);

namespace {

struct SizeLess {
  bool operator()(const Size& a, const Size& b) const { return compare(a, b) < 0; }
};

class PlanCompiler {
 public:
  PlanCompiler(const Graph& graph, Plan plan, const KernelTable* level, std::vector<std::string> dims)
      : result_(std::make_unique<CompiledPlan>()), level_(level) {
    result_->graph = &graph;
    result_->plan = std::move(plan);
    result_->sizes = SizeTable(std::move(dims));
  }

  std::unique_ptr<const CompiledPlan> run() {
    const Plan& plan = result_->plan;
    find_state_slots();
    for (std::size_t i = 0; i < plan.steps.size(); ++i) add_step(i);
    add_loops();
    add_chains();
    list_slots();
    std::sort(result_->back_edges.begin(), result_->back_edges.end(), [](const auto& a, const auto& b) {
      return a.first != b.first ? a.first < b.first : a.second > b.second;
    });
    result_->commit_step = find_commit_step();
    return std::move(result_);
  }

 private:
  // Returns what the number is now; a symbolic size is listed and stands as 0 until dims are bound.
  std::int64_t number(const Size& size, SizeUse use) {
    if (size.is_constant()) return size.constant() * use.scale;
    const auto next = static_cast<std::uint32_t>(result_->size_entries.size());
    const auto [entry, is_new] = known_sizes_.try_emplace(size, next);
    if (is_new) result_->size_entries.push_back(result_->sizes.add(size));
    use.size = entry->second;
    result_->uses.push_back(use);
    return 0;
  }

  void add_operand(const Operand& operand) {
    CompiledPlan& out = *result_;
    const auto index = static_cast<std::uint32_t>(out.numbers.args.size());
    const Shape& shape = operand.type.shape;
    INGOT_CHECK(shape.size() <= kMaxRank && operand.strides.size() == shape.size());
    TensorArg arg = {};
    arg.rank = static_cast<std::int32_t>(shape.size());
    arg.dtype = static_cast<std::int32_t>(operand.type.dtype);
    arg.panels = operand.layout.in_panels() ? 1 : 0;
    for (std::size_t axis = 0; axis < shape.size(); ++axis) {
      const auto at = static_cast<std::uint8_t>(axis);
      arg.shape[axis] = number(shape[axis], {.target = SizeUse::Target::kShape, .axis = at, .index = index});
      arg.strides[axis] =
          number(operand.strides[axis], {.target = SizeUse::Target::kStride, .axis = at, .index = index});
    }
    const auto element_bytes = static_cast<std::int64_t>(size_bytes(operand.type.dtype));
    out.numbers.arg_offsets.push_back(
        number(operand.offset, {.target = SizeUse::Target::kOffset, .index = index, .scale = element_bytes}));
    out.numbers.args.push_back(arg);
    out.arg_slots.push_back(operand.slot.index);
  }

  void push_attr(std::int64_t value) { result_->numbers.attrs.push_back(value); }
  void push_attr(const Size& size) {
    const auto index = static_cast<std::uint32_t>(result_->numbers.attrs.size());
    push_attr(number(size, {.target = SizeUse::Target::kAttr, .index = index}));
  }
  void push_attr(bool value) { push_attr(std::int64_t{value}); }
  void push_attr(double value) { push_attr(std::bit_cast<std::int64_t>(value)); }
  void push_attr(DType value) { push_attr(static_cast<std::int64_t>(value)); }
  void push_attr(const std::string& text) {
    std::uint64_t bytes = 0;
    for (std::size_t i = 0; i < std::min<std::size_t>(text.size(), 8); ++i) {
      bytes |= std::uint64_t{static_cast<unsigned char>(text[i])} << (8 * i);
    }
    push_attr(static_cast<std::int64_t>(bytes));
  }
  void push_attr(const std::vector<std::int64_t>& values) {
    for (std::int64_t value : values) push_attr(value);
  }
  void push_attr(const Shape& sizes) {
    for (const Size& size : sizes) push_attr(size);
  }

  void add_attrs(const Attrs& attrs) {
    CompiledPlan& out = *result_;
    const std::size_t first = out.numbers.attrs.size();
    out.first_attr.push_back(static_cast<std::uint32_t>(first));
    out.attr_begin.push_back(0);
    for (const AttrValue& attr : attrs) {
      std::visit([this](const auto& value) { push_attr(value); }, attr);
      out.attr_begin.push_back(static_cast<std::int32_t>(out.numbers.attrs.size() - first));
    }
  }

  [[noreturn]] void fail_kernel(std::size_t step, std::string_view op, DType dtype, DType result) const {
    const bool same = dtype == result;
    fail(ErrorCode::kDType,
         concat(op, ": no kernel: got ", name(dtype), same ? "" : " to ", same ? "" : name(result),
                ", expected a dtype that level ", level_->level, " can compute", origin_suffix(*result_, step)));
  }

  const Kernel* find_step_kernel(std::size_t index, const Step& step) {
    const DType dtype = kernel_dtype(step);
    const Kernel*& kernel = known_kernels_[{step.kernel, dtype}];
    if (kernel == nullptr) kernel = find_kernel(*level_, step.kernel, dtype);
    if (kernel == nullptr) fail_kernel(index, step.kernel, dtype, dtype);
    return kernel;
  }

  // Which params lie in panels was chosen by what kernels read, so this only fails for a plan of another level.
  void check_panels(std::size_t index, const Step& step, const Kernel& kernel) const {
    for (std::size_t i = 0; i < step.inputs.size(); ++i) {
      const Layout& layout = step.inputs[i].layout;
      if (!layout.in_panels() || panel_wish(kernel, i, layout.rank, step.attrs).layout == layout) continue;
      fail(ErrorCode::kInternal, concat(step.kernel, ": no kernel of level ", level_->level, " reads operand ", i,
                                        " as ", to_string(layout), origin_suffix(*result_, index)));
    }
  }

  void add_forms(std::string_view op, PointwiseInstruction& to) const {
    const ArithmeticForms* const forms = find_arithmetic(*level_, op);
    if (forms == nullptr) return;
    std::copy(std::begin(forms->with_scalar), std::end(forms->with_scalar), std::begin(to.with_scalar));
    to.chain = forms->chain;
  }

  const GroupCode* add_group(std::size_t index, const Step& step) {
    auto code = std::make_unique<GroupCode>();
    for (const GroupInstruction& from : step.group) {
      PointwiseInstruction to = {};
      if (from.op->has(kReduction)) {
        const RowKernel* kernel = find_row_function(*level_, from.op->name, from.dtype);
        if (kernel == nullptr) fail_kernel(index, from.op->name, from.dtype, from.result_dtype);
        to.reduce = kernel->function;
      } else {
        const PointwiseKernel*& kernel = known_functions_[{from.op, from.dtype, from.result_dtype}];
        if (kernel == nullptr) kernel = find_pointwise(*level_, from.op->name, from.dtype, from.result_dtype);
        if (kernel == nullptr) fail_kernel(index, from.op->name, from.dtype, from.result_dtype);
        to.function = kernel->function;
        if (from.dtype == DType::kF32 && from.result_dtype == DType::kF32) add_forms(from.op->name, to);
      }
      to.num_operands = static_cast<std::int32_t>(from.operands.size());
      to.result_size_bytes = static_cast<std::int32_t>(size_bytes(from.result_dtype));
      to.per_row = from.per_row ? 1 : 0;
      INGOT_CHECK(from.operands.size() <= std::size(to.operands));
      for (std::size_t i = 0; i < from.operands.size(); ++i)
        to.operands[i] = static_cast<std::int32_t>(from.operands[i]);
      code->instructions.push_back(to);
    }
    for (std::uint32_t output : step.group_outputs) code->output_registers.push_back(static_cast<std::int32_t>(output));
    combine(*level_, *result_->graph, result_->plan.slots, step, *code);
    code->group = {.instructions = code->instructions.data(),
                   .num_instructions = static_cast<std::int32_t>(code->instructions.size()),
                   .output_registers = code->output_registers.data(),
                   .row_axes = static_cast<std::int32_t>(step.group_row_axes),
                   .first_input = static_cast<std::int32_t>(step.num_anchor_inputs),
                   .anchored = step.num_anchor_inputs > 0 ? 1 : 0};
    result_->groups.push_back(std::move(code));
    return result_->groups.back().get();
  }

  void add_step(std::size_t index) {
    CompiledPlan& out = *result_;
    const Step& step = out.plan.steps[index];
    StepCode code = {.kind = step.kind};
    code.first_arg = static_cast<std::uint32_t>(out.numbers.args.size());
    code.num_outputs = static_cast<std::uint32_t>(step.outputs.size());
    code.num_inputs = static_cast<std::uint32_t>(step.inputs.size());
    code.first_attr_begin = static_cast<std::uint32_t>(out.attr_begin.size());
    code.target = step.target;
    code.slot_a = step.slot_a.index;
    code.slot_b = step.slot_b.index;
    code.loop = step.loop;
    for (const Operand& operand : step.outputs) {
      add_operand(operand);
      code.writes_state = code.writes_state || is_state_slot_[operand.slot.index];
    }
    for (const Operand& operand : step.inputs) add_operand(operand);
    add_attrs(step.kind == StepKind::kKernel ? step.attrs : Attrs{});
    if (step.kind == StepKind::kKernel) code.may_fail = step.op != nullptr && step.op->has(kMayFail);
    if (step.kind == StepKind::kKernel && level_ != nullptr) {
      code.kernel = code.own_kernel = find_step_kernel(index, step);
      check_panels(index, step, *code.kernel);
      if (!step.group.empty()) code.group = add_group(index, step);
    }
    code.may_fail = code.may_fail || step.kind == StepKind::kAbort;
    if (step.kind == StepKind::kJump || step.kind == StepKind::kJumpIfFalse || step.kind == StepKind::kLoopNext) {
      if (step.target <= index) out.back_edges.emplace_back(step.target, static_cast<std::uint32_t>(index));
    }
    out.steps.push_back(code);
  }

  void add_loops() {
    CompiledPlan& out = *result_;
    for (std::size_t i = 0; i < out.plan.loops.size(); ++i) {
      const SizeUse use = {.target = SizeUse::Target::kLoopLength, .index = static_cast<std::uint32_t>(i)};
      out.numbers.loop_lengths.push_back(number(out.plan.loops[i].length, use));
    }
    for (std::size_t i = 0; i < out.plan.windows.size(); ++i) {
      const SizeUse use = {.target = SizeUse::Target::kWindowStride, .index = static_cast<std::uint32_t>(i)};
      out.numbers.window_strides.push_back(number(out.plan.windows[i].stride_bytes, use));
    }
    out.window_slots.resize(out.plan.loops.size());
    for (std::size_t i = 0; i < out.plan.slots.size(); ++i) {
      const Slot& slot = out.plan.slots[i];
      if (slot.kind != SlotKind::kWindow) continue;
      out.window_slots[out.plan.windows[slot.index].loop].push_back(static_cast<std::uint32_t>(i));
    }
  }

  void add_chains() {
    CompiledPlan& out = *result_;
    const auto in_strips = [&](const Operand& operand) {
      return out.plan.slots[operand.slot.index].kind == SlotKind::kStrip;
    };
    for (std::uint32_t t = 0; t < out.steps.size(); ++t) {
      StripChain chain{t, t};
      while (!out.plan.steps[t].outputs.empty() && in_strips(out.plan.steps[t].outputs[0])) {
        out.steps[t++].kernel = nullptr;
        chain.last_step = t;
      }
      if (chain.last_step == chain.first_step) continue;
      out.steps[t].kernel = &strip_kernel;
      out.chains.push_back(chain);
    }
  }

  // Which slots the caller fills, and which arguments move with each slot.
  void list_slots() {
    CompiledPlan& out = *result_;
    const std::vector<Slot>& slots = out.plan.slots;
    for (std::uint32_t i = 0; i < slots.size(); ++i) {
      if (slots[i].kind == SlotKind::kInput) out.input_slots.push_back({i, slots[i].index});
      if (slots[i].kind == SlotKind::kOutput) out.output_slots.push_back({i, slots[i].index});
      if (slots[i].kind == SlotKind::kArena) out.arena_slots.push_back(i);
    }
    out.slot_arg_begin.assign(slots.size() + 1, 0);
    for (std::uint32_t slot : out.arg_slots) ++out.slot_arg_begin[slot + 1];
    for (std::size_t i = 0; i < slots.size(); ++i) out.slot_arg_begin[i + 1] += out.slot_arg_begin[i];
    out.slot_args.resize(out.arg_slots.size());
    std::vector<std::uint32_t> next(out.slot_arg_begin.begin(), out.slot_arg_begin.end() - 1);
    for (std::uint32_t arg = 0; arg < out.arg_slots.size(); ++arg) out.slot_args[next[out.arg_slots[arg]]++] = arg;
  }

  // Slots whose address may lie in a state: states, windows on them, and what is swapped with those.
  void find_state_slots() {
    const Plan& plan = result_->plan;
    is_state_slot_.assign(plan.slots.size(), false);
    for (std::size_t i = 0; i < plan.slots.size(); ++i) is_state_slot_[i] = plan.slots[i].kind == SlotKind::kState;
    for (bool changed = true; changed;) {
      changed = false;
      const auto spread = [&](std::size_t from, std::size_t to) {
        if (!is_state_slot_[from] || is_state_slot_[to]) return;
        is_state_slot_[to] = changed = true;
      };
      for (std::size_t i = 0; i < plan.slots.size(); ++i) {
        if (plan.slots[i].kind == SlotKind::kWindow) spread(plan.windows[plan.slots[i].index].base.index, i);
      }
      for (const Step& step : plan.steps) {
        if (step.kind != StepKind::kSwap) continue;
        spread(step.slot_a.index, step.slot_b.index);
        spread(step.slot_b.index, step.slot_a.index);
      }
    }
  }

  // The first write of a state behind the last loop. Nothing fails from there on (check_plan), every step runs once.
  std::uint32_t find_commit_step() const {
    const std::vector<StepCode>& steps = result_->steps;
    std::size_t first = 0;
    for (const auto& [target, step] : result_->back_edges) first = std::max<std::size_t>(first, step + 1);
    while (first < steps.size() && !steps[first].writes_state) ++first;
    return static_cast<std::uint32_t>(first);
  }

  std::unique_ptr<CompiledPlan> result_;
  const KernelTable* level_;
  std::map<Size, std::uint32_t, SizeLess> known_sizes_;
  std::map<std::pair<std::string_view, DType>, const Kernel*> known_kernels_;  // names live in the plan
  std::map<std::tuple<const OpRow*, DType, DType>, const PointwiseKernel*> known_functions_;
  std::vector<bool> is_state_slot_;
};

}  // namespace

DType kernel_dtype(const Step& step) {
  if (!step.inputs.empty()) return step.inputs[step.op == nullptr ? 0 : value_operand(*step.op)].type.dtype;
  return step.outputs.empty() ? DType::kF32 : step.outputs[0].type.dtype;
}

std::unique_ptr<const CompiledPlan> compile_plan(const Graph& graph, Plan plan, const KernelTable* level,
                                                 std::vector<std::string> dims) {
  return PlanCompiler(graph, std::move(plan), level, std::move(dims)).run();
}

}  // namespace ingot
