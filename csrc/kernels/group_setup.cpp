// Sets up the machine of group.h. An operand is used where it lies if rows and columns can be walked there, else made
// dense in scratch. A result goes straight to its output where that cannot disturb an operand in place, else to a
// scratch slot, and slots are used again after their last use.
// Requires: an output shares memory with an input only where that input has the output's elements, equally large.
#include "kernels/group_machine.h"

namespace ingot::INGOT_LEVEL {
namespace {

constexpr std::int32_t kDead = -2;
// Slots begin at different distances from a page, or every load of one would wait for the last stores to another.
constexpr std::int64_t kSlotShift = 21 * 64;

std::int32_t num_group_inputs(const KernelCall* call) {
  return call->group->anchored + call->num_inputs - call->group->first_input;
}

bool same_size(const PointwiseGroup& group, std::int32_t a, std::int32_t b) {
  return group.instructions[a].result_size_bytes == group.instructions[b].result_size_bytes;
}

// Enough slots for set_slots, even when every output is copied: its walk without the slots. A group of more than 1024
// instructions is taken to need one each.
std::int64_t most_slots(const PointwiseGroup& group, std::int32_t num_inputs, int num_outputs) {
  constexpr std::int32_t kMost = 1024;
  const std::int32_t n = group.num_instructions;
  if (n > kMost) return n;
  std::int32_t last_use[kMost];
  for (std::int32_t i = 0; i < n; ++i) {
    last_use[i] = kNone;
    for (int j = 0; j < group.instructions[i].num_operands; ++j) {
      const std::int32_t operand = group.instructions[i].operands[j] - num_inputs;
      if (operand >= 0) last_use[operand] = i;
    }
  }
  for (int i = 0; i < num_outputs; ++i) {
    if (group.output_registers[i] >= num_inputs) last_use[group.output_registers[i] - num_inputs] = n;
  }
  std::int64_t live = 0, most = 0;
  for (std::int32_t i = 0; i < n; ++i) {
    std::int64_t dead_after = last_use[i] < 0 ? 1 : 0;
    for (int j = 0; j < group.instructions[i].num_operands; ++j) {
      const std::int32_t operand = group.instructions[i].operands[j] - num_inputs;
      if (operand < 0 || last_use[operand] != i) continue;
      last_use[operand] = kDead;  // it may be named twice
      const bool reused = same_size(group, operand, i) && group.instructions[i].per_row == 0;
      (reused ? live : dead_after) += reused ? -1 : 1;
    }
    live += 1;
    most = larger(most, live);
    live -= dead_after;
  }
  return most;
}

std::int64_t largest_element(const KernelCall* call) {
  std::int64_t size = 1;
  for (int i = call->group->first_input; i < call->num_inputs; ++i) {
    size = larger(size, element_bytes(call->inputs[i].dtype));
  }
  for (std::int32_t i = 0; i < call->group->num_instructions; ++i) {
    size = larger(size, call->group->instructions[i].result_size_bytes);
  }
  return size;
}

std::int64_t piece_elements(const PointwiseGroup& group, std::int64_t elements, std::int64_t columns) {
  const std::int64_t most = group.row_axes > 0 ? larger(kRowElementsAtOnce, columns) : kPieceElements;
  return smaller(elements, most);
}

// Everything lies in the scratch block, in this order.
struct Layout {
  std::int64_t registers, sources, copies, free_slots, chain, row_elements, splats, constants, slots, slot_bytes;
};

Layout lay_out(const KernelCall* call, std::int64_t piece) {
  const std::int64_t inputs = num_group_inputs(call), registers = inputs + call->group->num_instructions;
  Layout l;
  l.registers = round_up(std::int64_t{sizeof(GroupMachine)}, 64);
  l.sources = l.registers + registers * std::int64_t{sizeof(GroupRegister)};
  l.copies = l.sources + inputs * std::int64_t{sizeof(GatherSource)};
  l.free_slots = l.copies + call->num_outputs * std::int64_t{sizeof(GroupCopy)};
  l.chain = round_up(l.free_slots + call->group->num_instructions * std::int64_t{sizeof(std::int32_t)}, 8);
  l.row_elements = round_up(l.chain + kLongestChain * std::int64_t{sizeof(ChainStep)}, 64);
  const std::int64_t lines = call->group->row_axes > 0 ? registers : inputs;
  l.splats = l.row_elements + lines * kRowsAtOnceMost * kLargestElement;
  l.constants = l.splats + kMostOperands * kTileBytes;
  l.slots = l.constants + inputs * kTileBytes;
  l.slot_bytes = round_up(piece * largest_element(call), 4096) + kSlotShift;
  return l;
}

void find_uses(GroupMachine& m) {
  for (std::int32_t i = 0; i < m.num_registers; ++i) {
    GroupRegister& r = m.registers[i];
    r = {};
    r.last_use = r.slot = r.output = r.gathered = r.scalar = kNone;
  }
  for (std::int32_t i = 0; i < m.group->num_instructions; ++i) {
    const PointwiseInstruction& instruction = m.group->instructions[i];
    for (int j = 0; j < instruction.num_operands; ++j) m.registers[instruction.operands[j]].last_use = i;
    if (instruction.reduce != nullptr) m.registers[instruction.operands[0]].must_be_dense = 1;
    GroupRegister& r = m.registers[m.num_inputs + i];
    r.size = instruction.result_size_bytes;
    r.place = instruction.per_row != 0 ? kPerRow : kDense;
  }
  for (std::int32_t i = 0; i < m.call->num_outputs; ++i) m.registers[m.group->output_registers[i]].must_be_dense = 1;
}

void set_input(GroupMachine& m, std::int32_t input) {
  GroupRegister& r = m.registers[input];
  const TensorArg& x = input_arg(m, input);
  r.size = element_bytes(x.dtype);
  r.place = place_of(m.space, x);
  if (r.must_be_dense != 0 && r.place != kDense) r.place = kStrided;
  r.data = x.data;
  if (r.place == kStrided) {
    TensorArg ordered = x;
    ordered.rank = m.space.rank;
    for (int i = 0; i < m.space.rank; ++i) {
      ordered.shape[i] = x.shape[m.space.axes[i]];
      ordered.strides[i] = x.strides[m.space.axes[i]];
    }
    m.sources[input] = make_source(ordered);
    r.gathered = input;
    r.place = kDense;
    r.slot = m.num_slots++;
  } else if (r.place == kOneForAll) {
    r.data = m.constants + input * kTileBytes;
  }
}

bool is_one(const GroupMachine& m, std::int32_t r) {
  return m.registers[r].place == kPerRow || m.registers[r].place == kOneForAll;
}

// Chooses the forms that take one operand as one element, where the other is dense.
void set_forms(GroupMachine& m) {
  for (std::int32_t i = 0; i < m.group->num_instructions; ++i) {
    const PointwiseInstruction& instruction = m.group->instructions[i];
    for (int j = 0; j < 2 && instruction.num_operands == 2 && instruction.per_row == 0; ++j) {
      if (instruction.with_scalar[j] == nullptr || !is_one(m, instruction.operands[j])) continue;
      if (!is_one(m, instruction.operands[1 - j])) m.registers[m.num_inputs + i].scalar = j;
    }
  }
}

// How many of it the instructions read of an input that is one element: a chain reads four vectors.
std::int64_t elements_read(const GroupMachine& m, std::int32_t input) {
  constexpr std::int64_t kByChain = 64;
  std::int64_t most = 1;
  for (std::int32_t i = 0; i < m.group->num_instructions && most < kTileElements; ++i) {
    const PointwiseInstruction& instruction = m.group->instructions[i];
    for (int j = 0; j < instruction.num_operands; ++j) {
      if (instruction.operands[j] != input || (i >= m.chain_length && j == m.registers[m.num_inputs + i].scalar))
        continue;
      most = larger(most, i < m.chain_length ? kByChain : kTileElements);
    }
  }
  return most;
}

// Inputs that are one element become tiles of it.
void fill_constants(const GroupMachine& m) {
  const std::int64_t all = m.space.rows * m.space.columns;
  for (std::int32_t i = m.group->anchored; i < m.num_inputs; ++i) {
    if (m.registers[i].place != kOneForAll) continue;
    const GatherSource one{input_arg(m, i).data, 0, m.registers[i].size, {}, {}};
    gather(one, 0, smaller(elements_read(m, i), all), m.registers[i].data);
  }
}

// Whether instruction i may write the output's memory: no operand that lies there is read later or copied at the end.
bool may_write(const GroupMachine& m, std::int32_t instruction, const TensorArg& output) {
  const std::int64_t total = m.space.rows * m.space.columns;
  const char* const begin = output.data;
  const char* const end = begin + total * element_bytes(output.dtype);
  for (std::int32_t i = m.group->anchored; i < m.num_inputs; ++i) {
    const GroupRegister& input = m.registers[i];
    if (input.place != kDense || input.gathered >= 0) continue;  // planned in place only where it is contiguous
    const char* const data = input_arg(m, i).data;
    const bool apart = data + total * input.size <= begin || end <= data;
    if (apart) continue;
    bool copied = false;
    for (std::int32_t j = 0; j < m.call->num_outputs; ++j) copied = copied || m.group->output_registers[j] == i;
    if (copied || input.last_use > instruction) return false;
  }
  // The anchor lies where the first output goes.
  return m.group->anchored == 0 || output.data != m.call->outputs[0].data || m.registers[0].last_use <= instruction;
}

// Decides for each output: written directly by its instruction, or copied when a rectangle is done. Copies of inputs
// come first, because an output may lie on an input.
void set_outputs(GroupMachine& m) {
  m.num_copies = 0;
  for (std::int32_t i = 0; i < m.call->num_outputs; ++i) {
    const std::int32_t from = m.group->output_registers[i];
    if (from < m.num_inputs) m.copies[m.num_copies++] = {from, i};
  }
  for (std::int32_t i = 0; i < m.call->num_outputs; ++i) {
    const std::int32_t from = m.group->output_registers[i];
    if (from < m.num_inputs) continue;
    GroupRegister& r = m.registers[from];
    const bool dense = r.place == kDense && is_row_contiguous(m.space, m.call->outputs[i]);
    if (dense && r.output < 0 && may_write(m, from - m.num_inputs, m.call->outputs[i])) {
      r.output = i;
    } else {
      m.copies[m.num_copies++] = {from, i};
      r.last_use = m.group->num_instructions;
    }
  }
}

// Whether a chain can walk the register.
bool fits_chain(const GroupMachine& m, std::int32_t input) {
  const GroupRegister& r = m.registers[input];
  return input < m.num_inputs && r.gathered < 0 && r.place != kPerRow && r.size == 4;
}

std::int32_t num_reads(const GroupMachine& m, std::int32_t r) {
  std::int32_t reads = 0;
  for (std::int32_t i = 0; i < m.group->num_instructions; ++i) {
    for (int j = 0; j < m.group->instructions[i].num_operands; ++j) {
      reads += m.group->instructions[i].operands[j] == r ? 1 : 0;
    }
  }
  for (std::int32_t i = 0; i < m.call->num_outputs; ++i) reads += m.group->output_registers[i] == r ? 1 : 0;
  return reads;
}

// maximum and minimum with a number need not look for NaN, and for zeros only where they could be mistaken.
std::int32_t chain_op(const GroupMachine& m, std::int32_t input, ChainOp op) {
  if (m.registers[input].place != kOneForAll) return op;
  float number;
  __builtin_memcpy(&number, input_arg(m, input).data, sizeof(number));
  const bool positive = !__builtin_signbit(number), zero = number == 0;
  if (number != number) return op;
  if (op == kChainMaximum) return zero && positive ? kChainReplaceNegative : kChainRaise;
  if (op == kChainMinimum && (!zero || positive)) return kChainLower;
  return op;
}

// The longest run of first instructions of which each reads the result before it, which nothing else does, and an
// input.
void find_chain(GroupMachine& m) {
  m.chain_length = 0;
  if (m.group->row_axes > 0) return;
  for (std::int32_t i = 0; i < m.group->num_instructions; ++i) {
    const PointwiseInstruction& instruction = m.group->instructions[i];
    if (instruction.chain == kNoChain || i == kLongestChain) return;
    std::int32_t before = m.num_inputs + i - 1;
    if (i == 0) before = instruction.operands[m.registers[instruction.operands[0]].place == kDense ? 0 : 1];
    const bool reversed = instruction.operands[0] != before;
    const std::int32_t other = instruction.operands[reversed ? 0 : 1];
    if (instruction.operands[reversed ? 1 : 0] != before || !fits_chain(m, other)) return;
    if (i == 0 && (!fits_chain(m, before) || m.registers[before].place != kDense)) return;
    if (i > 0 && num_reads(m, before) != 1) return;
    ChainStep& step = m.chain[m.chain_length++];
    step.op = chain_op(m, other, instruction.chain);
    step.reversed = reversed ? 1 : 0;
    step.input = other;
    step.per_element = m.registers[other].place != kOneForAll ? 1 : 0;
  }
}

// Gives back the slots of the operands that die at instruction i and are, or are not, as large as its result.
void free_operands(GroupMachine& m, std::int32_t i, std::int32_t& num_free, bool as_large) {
  const PointwiseInstruction& instruction = m.group->instructions[i];
  for (int j = 0; j < instruction.num_operands; ++j) {
    GroupRegister& operand = m.registers[instruction.operands[j]];
    if (operand.last_use != i || operand.slot < 0 || instruction.operands[j] < m.num_inputs) continue;
    if (same_size(*m.group, instruction.operands[j] - m.num_inputs, i) != as_large) continue;
    m.free_slots[num_free++] = operand.slot;
    operand.slot = kNone;  // an operand may be named twice
  }
}

void set_slots(GroupMachine& m) {
  std::int32_t num_free = 0;
  for (std::int32_t i = 0; i < m.group->num_instructions; ++i) {
    GroupRegister& r = m.registers[m.num_inputs + i];
    if (r.place == kPerRow) {
      free_operands(m, i, num_free, true);
      free_operands(m, i, num_free, false);
      r.data = m.row_elements + (m.num_inputs + i) * kRowsAtOnceMost * kLargestElement;
      continue;
    }
    free_operands(m, i, num_free, true);
    if (r.output < 0) {
      r.slot = num_free > 0 ? m.free_slots[--num_free] : m.num_slots++;
      r.data = m.slots + r.slot * m.slot_bytes;
    }
    free_operands(m, i, num_free, false);
    if (r.output < 0 && r.last_use < 0) m.free_slots[num_free++] = r.slot;
  }
}

}  // namespace

GroupSpace group_space(const KernelCall* call, const TensorArg& shape, int column_axis) {
  const PointwiseGroup& group = *call->group;
  GroupSpace s{};
  TensorArg like = call->outputs[0];
  if (group.row_axes > 0) {  // a row is a row of the logical shape
    for (int i = 0; i < shape.rank; ++i) like.strides[i] = shape.rank - i;
  } else if (column_axis >= 0) {
    like.strides[column_axis] = 0;  // innermost, however few columns there are
  }
  order_axes(s, shape, like);
  GroupOperands operands{call->inputs + group.first_input, call->outputs, call->num_inputs - group.first_input,
                         call->num_outputs};
  if (group.row_axes > 0) {
    for (int i = 0; i < s.rank; ++i) s.row_axes += s.axes[i] >= shape.rank - group.row_axes ? 1 : 0;
    operands.num_outputs = 0;
  } else if (group.anchored != 0) {
    s.row_axes = s.rank > 0 && s.axes[s.rank - 1] == column_axis ? 1 : 0;
  } else {
    choose_row_axes(s, shape, operands);
  }
  count_elements(s, shape);
  merge_leads(s, shape, operands);
  return s;
}

std::int64_t group_rows_at_once(const GroupSpace& s) {
  const std::int64_t most = smaller(kRowsAtOnceMost, kRowElementsAtOnce / larger(s.columns, 1));
  std::int64_t rows = 1;
  while (2 * rows <= most) rows *= 2;  // as reductions fold them
  return rows;
}

std::int64_t group_scratch_bytes(const KernelCall* call, std::int64_t elements, std::int64_t columns) {
  const Layout l = lay_out(call, piece_elements(*call->group, elements, columns));
  const std::int32_t inputs = num_group_inputs(call);
  return l.slots + (inputs + most_slots(*call->group, inputs, call->num_outputs)) * l.slot_bytes;
}

GroupMachine* prepare_group(const KernelCall* call, const TensorArg& shape, int column_axis, char* scratch) {
  GroupMachine& m = *reinterpret_cast<GroupMachine*>(scratch);
  m.call = call;
  m.group = call->group;
  m.inputs = call->inputs + call->group->first_input;
  m.space = group_space(call, shape, column_axis);
  m.piece = piece_elements(*m.group, m.space.rows * m.space.columns, m.space.columns);
  m.num_inputs = num_group_inputs(call);
  m.num_registers = m.num_inputs + m.group->num_instructions;
  const Layout l = lay_out(call, m.piece);
  m.slot_bytes = l.slot_bytes;
  m.registers = reinterpret_cast<GroupRegister*>(scratch + l.registers);
  m.sources = reinterpret_cast<GatherSource*>(scratch + l.sources);
  m.copies = reinterpret_cast<GroupCopy*>(scratch + l.copies);
  m.free_slots = reinterpret_cast<std::int32_t*>(scratch + l.free_slots);
  m.chain = reinterpret_cast<ChainStep*>(scratch + l.chain);
  m.row_elements = scratch + l.row_elements;
  m.splats = scratch + l.splats;
  m.constants = scratch + l.constants;
  m.slots = scratch + l.slots;
  m.num_slots = 0;
  find_uses(m);
  for (std::int32_t i = m.group->anchored; i < m.num_inputs; ++i) set_input(m, i);
  if (m.group->anchored != 0) m.registers[0].size = element_bytes(call->inputs[0].dtype);
  find_chain(m);
  set_forms(m);
  fill_constants(m);
  set_outputs(m);
  set_slots(m);
  return &m;
}

bool as_moving_chain(const GroupMachine& m, MovingChain& to) {
  const bool all = m.chain_length > 0 && m.chain_length == m.group->num_instructions && m.num_copies == 0;
  if (!all || m.group->anchored == 0 || m.space.lead_rank > 1 || m.call->num_outputs != 1) return false;
  if (m.group->instructions[0].operands[m.chain[0].reversed] != 0) return false;
  for (std::int32_t i = 0; i < m.chain_length; ++i) {
    const GroupRegister& y = m.registers[m.chain[i].input];
    if (m.chain[i].input == 0) return false;
    to.steps[i] = m.chain[i];
    to.steps[i].data = y.place == kOneForAll ? y.data : input_arg(m, m.chain[i].input).data;
    to.steps[i].row_bytes = y.place == kDense ? panel_row_bytes(m.space, input_arg(m, m.chain[i].input)) : 0;
  }
  const TensorArg& output = m.call->outputs[0];
  to.chain = {nullptr, 0, output.data, panel_row_bytes(m.space, output), to.steps, m.chain_length};
  to.has_form = find_form(to.chain, to.form);
  return true;
}

}  // namespace ingot::INGOT_LEVEL
