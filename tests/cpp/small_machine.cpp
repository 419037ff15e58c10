// The two walkers of small_machine.h.
#include "small_machine.h"

#include <cstring>

#include "base/error.h"
#include "small_ops.h"

namespace ingot::testing {
namespace {

TensorType with_sizes(const TensorType& type, const DimValues& dims) {
  TensorType result{type.dtype, {}};
  for (const std::int64_t size : constant_shape(type.shape, dims)) result.shape.emplace_back(size);
  return result;
}

std::int64_t load(const char* address, DType dtype) {
  if (dtype == DType::kBool) return *address;
  std::int64_t value;
  std::memcpy(&value, address, sizeof(value));
  return value;
}

void store(char* address, DType dtype, std::int64_t value) {
  if (dtype == DType::kBool) {
    *address = static_cast<char>(value);
  } else {
    std::memcpy(address, &value, sizeof(value));
  }
}

Numbers unpack(const TensorType& type, const TensorData& data) {
  Numbers numbers{.type = type, .elements = {}};
  const auto width = static_cast<std::size_t>(size_bytes(type.dtype));
  for (std::size_t at = 0; at < data.size_bytes; at += width) {
    numbers.elements.push_back(load(reinterpret_cast<const char*>(data.data) + at, type.dtype));
  }
  return numbers;
}

// ---- the graph ----

class GraphWalker {
 public:
  GraphWalker(const Module& module, const Graph& graph, const RunInputs& inputs)
      : module_(module), graph_(graph), inputs_(inputs), values_(graph.values.size()) {}

  RunResult run() {
    for (std::size_t i = 0; i < graph_.values.size(); ++i) {
      const Value& value = graph_.values[i];
      if (value.kind == ValueKind::kInput) values_[i] = inputs_.inputs[value.index];
      if (value.kind == ValueKind::kState) values_[i] = inputs_.states[value.index];
      if (value.kind == ValueKind::kConstant) values_[i] = unpack(value.type, graph_.constants[value.index]);
      if (value.kind == ValueKind::kParam) values_[i] = unpack(value.type, resolve(module_, value.index).data);
    }
    RunResult result{.outputs = walk(graph_.body), .states = inputs_.states};
    for (const Update& update : graph_.updates) result.states[update.state] = values_[update.value.index];
    return result;
  }

 private:
  std::vector<Numbers> get(const std::vector<ValueId>& ids) const {
    std::vector<Numbers> numbers;
    for (const ValueId id : ids) numbers.push_back(values_[id.index]);
    return numbers;
  }

  std::vector<Numbers> walk(const Region& region) {
    for (const NodeId id : region.nodes) walk(graph_.node(id));
    return get(region.returns);
  }

  std::vector<Numbers> call(const Region& region, const std::vector<Numbers>& args) {
    for (std::size_t i = 0; i < args.size(); ++i) values_[region.args[i].index] = args[i];
    return walk(region);
  }

  void walk(const Node& node) {
    std::vector<Numbers> results;
    const std::vector<Numbers> operands = get(node.operands);
    if (node.op->name == "abort") {
      if (operands[0].elements[0] != 0) fail(ErrorCode::kAbort, "abort");
    } else if (node.op->name == "fused") {
      results = walk(node.regions[0]);
    } else if (node.op->name == "if") {
      results = walk(node.regions[operands[0].elements[0] != 0 ? 0 : 1]);
    } else if (node.op->name == "while") {
      results = operands;
      while (call(node.regions[0], results)[0].elements[0] != 0) results = call(node.regions[1], results);
    } else if (node.op->name == "scan") {
      results = scan(node, operands);
    } else {
      results = {apply(*node.op, node.attrs, operands, type_of(node.results[0]), inputs_.dims)};
    }
    for (std::size_t i = 0; i < results.size(); ++i) values_[node.results[i].index] = std::move(results[i]);
  }

  TensorType type_of(ValueId id) const { return with_sizes(graph_.value(id).type, inputs_.dims); }

  std::vector<Numbers> scan(const Node& node, const std::vector<Numbers>& operands) {
    const auto carries = static_cast<std::size_t>(std::get<std::int64_t>(node.attrs[0]));
    const std::int64_t length = std::get<Size>(node.attrs[1]).evaluate(inputs_.dims);
    const bool reverse = std::get<bool>(node.attrs[2]);
    const auto middle = operands.begin() + static_cast<std::ptrdiff_t>(carries);
    std::vector<Numbers> results(operands.begin(), middle);
    for (std::size_t i = carries; i < node.results.size(); ++i) {
      const TensorType type = type_of(node.results[i]);
      results.push_back(
          {type, std::vector<std::int64_t>(static_cast<std::size_t>(num_elements(type.shape).constant()))});
    }
    for (std::int64_t turn = 0; turn < length; ++turn) {
      const std::int64_t i = reverse ? length - 1 - turn : turn;
      std::vector<Numbers> args(results.begin(), results.begin() + static_cast<std::ptrdiff_t>(carries));
      args.push_back({{DType::kI64, {}}, {i}});
      for (auto x = middle; x != operands.end(); ++x) args.push_back(entry(*x, i, length));
      const std::vector<Numbers> next = call(node.regions[0], args);
      for (std::size_t r = 0; r < next.size(); ++r) {
        if (r < carries) results[r] = next[r];
        if (r >= carries) set_entry(results[r], next[r], i);
      }
    }
    return results;
  }

  static Numbers entry(const Numbers& x, std::int64_t i, std::int64_t length) {
    const auto row = static_cast<std::ptrdiff_t>(x.elements.size()) / length;
    Numbers result{.type = {x.type.dtype, {x.type.shape.begin() + 1, x.type.shape.end()}}, .elements = {}};
    result.elements.assign(x.elements.begin() + i * row, x.elements.begin() + (i + 1) * row);
    return result;
  }

  static void set_entry(Numbers& stacked, const Numbers& y, std::int64_t i) {
    const auto row = static_cast<std::ptrdiff_t>(y.elements.size());
    std::copy(y.elements.begin(), y.elements.end(), stacked.elements.begin() + i * row);
  }

  const Module& module_;
  const Graph& graph_;
  const RunInputs& inputs_;
  std::vector<Numbers> values_;
};

// ---- the plan ----

// A slot's memory as its own block, or a piece of the arena or of another slot.
struct Place {
  char* address = nullptr;
  char *begin = nullptr, *end = nullptr;  // of the memory it may touch
};

class PlanWalker {
 public:
  PlanWalker(const Module& module, const Graph& graph, const Plan& plan, const RunInputs& inputs)
      : module_(module),
        graph_(graph),
        plan_(plan),
        inputs_(inputs),
        places_(plan.slots.size()),
        turns_(plan.loops.size(), -1) {
    arena_.assign(static_cast<std::size_t>(plan.arena_bytes), 0x5a);
    for (std::size_t s = 0; s < plan.slots.size(); ++s) places_[s] = make_place(plan.slots[s]);
  }

  RunResult run() {
    for (std::size_t t = 0; t < plan_.steps.size();) t = step(plan_.steps[t], t);
    RunResult result;
    for (std::uint32_t i = 0; i < graph_.body.returns.size(); ++i) {
      result.outputs.push_back(read_back(SlotKind::kOutput, i, graph_.value(graph_.body.returns[i]).type));
    }
    for (std::uint32_t i = 0; i < module_.states.size(); ++i) {
      result.states.push_back(has_slot(SlotKind::kState, i) ? read_back(SlotKind::kState, i, module_.states[i].type)
                                                            : inputs_.states[i]);
    }
    return result;
  }

 private:
  Place make_place(const Slot& slot) {
    if (slot.kind == SlotKind::kArena) {
      const Buffer& buffer = plan_.buffers[slot.index];
      char* const begin = arena_.data() + buffer.offset;
      return {begin, begin, begin + buffer.size_bytes.evaluate(inputs_.dims)};
    }
    if (slot.kind == SlotKind::kWindow) return {};
    const auto [found, fresh] = blocks_.try_emplace({slot.kind, slot.index});
    if (fresh) fill(found->second, slot);
    char* const begin = found->second.data();
    return {begin, begin, begin + found->second.size()};
  }

  void fill(std::vector<char>& block, const Slot& slot) {
    Numbers numbers;
    if (slot.kind == SlotKind::kInput) numbers = inputs_.inputs[slot.index];
    if (slot.kind == SlotKind::kState) numbers = inputs_.states[slot.index];
    if (slot.kind == SlotKind::kParam)
      numbers = unpack(module_.params[slot.index].type, module_.params[slot.index].data);
    if (slot.kind == SlotKind::kConstant) {
      const TensorData& data = graph_.constants[slot.index];
      block.assign(reinterpret_cast<const char*>(data.data),
                   reinterpret_cast<const char*>(data.data) + data.size_bytes);
      return;
    }
    if (slot.kind == SlotKind::kOutput) numbers.type = graph_.value(graph_.body.returns[slot.index]).type;
    const TensorType type = with_sizes(numbers.type, inputs_.dims);
    block.assign(static_cast<std::size_t>(num_bytes(type).constant()) + 1, 0x33);
    block.pop_back();
    const auto width = static_cast<std::size_t>(size_bytes(type.dtype));
    for (std::size_t i = 0; i < numbers.elements.size(); ++i) store(&block[i * width], type.dtype, numbers.elements[i]);
  }

  bool has_slot(SlotKind kind, std::uint32_t index) const { return blocks_.contains({kind, index}); }

  Numbers read_back(SlotKind kind, std::uint32_t index, const TensorType& type) {
    Numbers numbers{.type = with_sizes(type, inputs_.dims), .elements = {}};
    const std::vector<char>& block = blocks_.at({kind, index});
    const auto width = static_cast<std::size_t>(size_bytes(type.dtype));
    for (std::size_t at = 0; at < block.size(); at += width) numbers.elements.push_back(load(&block[at], type.dtype));
    return numbers;
  }

  // Addresses of the operand's elements in logical order.
  std::vector<char*> addresses(const Operand& operand) {
    const Place& place = places_[operand.slot.index];
    const std::vector<std::int64_t> shape = constant_shape(operand.type.shape, inputs_.dims);
    const std::vector<std::int64_t> strides = constant_shape(operand.strides, inputs_.dims);
    const auto width = static_cast<std::int64_t>(size_bytes(operand.type.dtype));
    std::vector<char*> result;
    for (std::int64_t i = 0; i < count(shape); ++i) {
      std::int64_t at = operand.offset.evaluate(inputs_.dims), rest = i;
      for (std::size_t axis = shape.size(); axis-- > 0; rest /= shape[axis]) at += rest % shape[axis] * strides[axis];
      char* const address = place.address + at * width;
      INGOT_CHECK(address >= place.begin && address + width <= place.end);
      result.push_back(address);
    }
    return result;
  }

  Numbers read(const Operand& operand) {
    Numbers numbers{.type = with_sizes(operand.type, inputs_.dims), .elements = {}};
    for (const char* address : addresses(operand)) numbers.elements.push_back(load(address, operand.type.dtype));
    return numbers;
  }

  void write(const Operand& operand, const Numbers& numbers) {
    const std::vector<char*> to = addresses(operand);
    INGOT_CHECK(to.size() == numbers.elements.size());
    for (std::size_t i = 0; i < to.size(); ++i) store(to[i], operand.type.dtype, numbers.elements[i]);
  }

  bool flag(const Step& step) { return read(step.inputs[0]).elements[0] != 0; }

  std::size_t step(const Step& step, std::size_t t) {
    if (step.kind == StepKind::kKernel) kernel(step);
    if (step.kind == StepKind::kJump) return step.target;
    if (step.kind == StepKind::kJumpIfFalse && !flag(step)) return step.target;
    if (step.kind == StepKind::kAbort && flag(step)) fail(ErrorCode::kAbort, "abort");
    if (step.kind == StepKind::kSwap) std::swap(places_[step.slot_a.index], places_[step.slot_b.index]);
    if (step.kind == StepKind::kLoopBegin) {
      turns_[step.loop] = 0;
      if (length(step.loop) == 0) return step.target;
      move_windows(step);
    }
    if (step.kind == StepKind::kLoopNext && ++turns_[step.loop] < length(step.loop)) {
      move_windows(step);
      return step.target;
    }
    return t + 1;
  }

  std::int64_t length(std::uint32_t loop) const { return plan_.loops[loop].length.evaluate(inputs_.dims); }

  void move_windows(const Step& step) {
    const Loop& loop = plan_.loops[step.loop];
    const std::int64_t turn = turns_[step.loop], i = loop.reverse ? length(step.loop) - 1 - turn : turn;
    for (std::size_t s = 0; s < plan_.slots.size(); ++s) {
      if (plan_.slots[s].kind != SlotKind::kWindow) continue;
      const Window& window = plan_.windows[plan_.slots[s].index];
      if (window.loop != step.loop) continue;
      places_[s] = places_[window.base.index];
      places_[s].address += window.stride_bytes.evaluate(inputs_.dims) * i;
    }
    write(step.outputs[0], {.type = {DType::kI64, {}}, .elements = {i}});
  }

  void kernel(const Step& step) {
    if (!step.group.empty()) return group(step);
    std::vector<Numbers> operands;
    for (const Operand& input : step.inputs) operands.push_back(read(input));
    const Operand& output = step.outputs[0];
    if (step.kernel == "copy") return write(output, operands[0]);
    const bool in_place =
        step.op->has(kUpdatesFirst) && places_[step.inputs[0].slot.index].address == places_[output.slot.index].address;
    // Everything but an update in place may write before it reads: what it must not overlap turns into garbage.
    if (!in_place) {
      for (char* address : addresses(output)) store(address, output.type.dtype, 1);
      for (std::size_t i = 0; i < operands.size(); ++i) INGOT_CHECK(read(step.inputs[i]) == operands[i]);
    }
    write(output, apply(*step.op, step.attrs, operands, with_sizes(output.type, inputs_.dims), inputs_.dims));
  }

  // Tiles of three elements, op by op, every output register in its final place: as a kernel may do it at worst.
  // A tile is three elements, or one row.
  void group(const Step& step) {
    std::vector<std::vector<char*>> inputs, outputs;
    for (const Operand& input : step.inputs) inputs.push_back(addresses(input));
    for (const Operand& output : step.outputs) outputs.push_back(addresses(output));
    const std::size_t total = step.inputs.empty() ? outputs[0].size() : inputs[0].size();
    std::size_t width = 3;
    for (std::uint32_t a = 0; a < step.group_row_axes; ++a) {
      const Shape& shape = step.inputs[0].type.shape;
      if (a == 0) width = 1;
      width *= static_cast<std::size_t>(shape[shape.size() - 1 - a].evaluate(inputs_.dims));
    }
    for (std::size_t begin = 0; begin < total; begin += width) {
      std::vector<std::vector<std::int64_t>> results(step.group.size());
      const std::size_t size = std::min(total - begin, width);
      for (std::size_t g = 0; g < step.group.size(); ++g) {
        const GroupInstruction& instruction = step.group[g];
        const auto operand = [&](std::uint32_t r, std::size_t i) {
          if (r < inputs.size()) return load(inputs[r][begin + i], step.inputs[r].type.dtype);
          const std::size_t made = r - inputs.size();
          return results[made][step.group[made].per_row ? 0 : i];
        };
        if (instruction.op->has(kReduction)) {
          Numbers row{.type = {instruction.dtype, {static_cast<std::int64_t>(size)}}, .elements = {}};
          for (std::size_t i = 0; i < size; ++i) row.elements.push_back(operand(instruction.operands[0], i));
          const Attrs attrs = {std::vector<std::int64_t>{0}, false};
          results[g] = apply(*instruction.op, attrs, {row}, {instruction.dtype, {}}, {}).elements;
        } else {
          for (std::size_t i = 0; i < (instruction.per_row ? 1 : size); ++i) {
            std::vector<std::int64_t> operands;
            for (const std::uint32_t r : instruction.operands) operands.push_back(operand(r, i));
            results[g].push_back(pointwise(*instruction.op, operands));
          }
        }
        for (std::size_t o = 0; o < outputs.size(); ++o) {
          if (step.group_outputs[o] != inputs.size() + g) continue;
          for (std::size_t i = 0; i < results[g].size(); ++i) {
            store(outputs[o][(instruction.per_row ? begin / width : begin) + i], step.outputs[o].type.dtype,
                  results[g][i]);
          }
        }
      }
    }
  }

  const Module& module_;
  const Graph& graph_;
  const Plan& plan_;
  const RunInputs& inputs_;
  std::vector<char> arena_;
  std::map<std::pair<SlotKind, std::uint32_t>, std::vector<char>> blocks_;
  std::vector<Place> places_;  // by slot
  std::vector<std::int64_t> turns_;
};

}  // namespace

RunResult evaluate_graph(const Module& module, const Graph& graph, const RunInputs& inputs) {
  return GraphWalker(module, graph, inputs).run();
}

RunResult run_plan(const Module& module, const Graph& graph, const Plan& plan, const RunInputs& inputs) {
  return PlanWalker(module, graph, plan, inputs).run();
}

}  // namespace ingot::testing
