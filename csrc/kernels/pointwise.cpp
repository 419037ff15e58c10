// The kernel of pointwise groups: runs the group's instructions tile by tile, so that intermediate values stay in L1.
// An operand is used where it lies if it is contiguous, else gathered into a tile. A result goes straight to the output
// where that cannot disturb an operand in place, else to a scratch tile, and slots are reused after their last use.
// Requires: an output shares memory with an input only where that input is contiguous and its elements are as large.
#include "kernels/families.h"
#include "kernels/gather.h"
#include "kernels/simd.h"

namespace ingot::INGOT_LEVEL {
namespace {

constexpr std::int64_t kSlotBytes = kTileElements * 8;  // the largest element among the tile functions' dtypes
constexpr std::int32_t kNoSlot = -1;
constexpr std::int32_t kDead = -2;

// One register of the group: an input of the call, or the result of an instruction.
struct Register {
  char* base;             // where element `0` of the whole tensor lies, or of the tile
  std::int32_t step;      // bytes per element of the tensor that base moves by from tile to tile; 0: a tile
  std::int32_t last_use;  // instruction that reads it last; -1: none
  std::int32_t slot;
  std::int32_t output;  // the output it is written to directly, or -1
};

struct Copy {  // from a register to an output, at the end of a tile
  std::int32_t from;
  std::int32_t output;
};

// Everything lies in the scratch block, in this order.
struct Layout {
  std::int64_t sources, registers, copies, free_slots, tiles, slots;
};

std::int64_t num_registers(const KernelCall* call) {
  return call->num_inputs + call->group->num_instructions;
}

Layout lay_out(const KernelCall* call) {
  const std::int64_t n = num_registers(call);
  Layout layout;
  layout.sources = 0;
  layout.registers = layout.sources + call->num_inputs * std::int64_t{sizeof(GatherSource)};
  layout.copies = layout.registers + n * std::int64_t{sizeof(Register)};
  layout.free_slots = layout.copies + call->num_outputs * std::int64_t{sizeof(Copy)};
  layout.tiles = round_up(layout.free_slots + call->group->num_instructions * std::int64_t{sizeof(std::int32_t)}, 64);
  layout.slots = layout.tiles + call->num_inputs * kSlotBytes;
  return layout;
}

// A tile function may write over an operand only if the elements are equally large.
bool same_size(const PointwiseGroup& group, std::int32_t a, std::int32_t b) {
  return group.instructions[a].result_size_bytes == group.instructions[b].result_size_bytes;
}

// The slots that set_slots needs when every output is copied: its walk without the slots. Exact up to 1024
// instructions; a larger group is taken to need one each.
std::int64_t most_slots(const PointwiseGroup& group, std::int32_t num_inputs, int num_outputs) {
  constexpr std::int32_t kMost = 1024;
  const std::int32_t n = group.num_instructions;
  if (n > kMost) return n;
  std::int32_t last_use[kMost];
  for (std::int32_t i = 0; i < n; ++i) {
    last_use[i] = -1;
    for (int j = 0; j < group.instructions[i].num_operands; ++j) {
      const std::int32_t operand = group.instructions[i].operands[j] - num_inputs;
      if (operand >= 0) last_use[operand] = i;
    }
  }
  for (int i = 0; i < num_outputs; ++i) {
    if (group.output_registers[i] >= num_inputs) last_use[group.output_registers[i] - num_inputs] = n;
  }
  std::int64_t live = 0;
  std::int64_t most = 0;
  for (std::int32_t i = 0; i < n; ++i) {
    std::int64_t dead_after = last_use[i] < 0 ? 1 : 0;
    for (int j = 0; j < group.instructions[i].num_operands; ++j) {
      const std::int32_t operand = group.instructions[i].operands[j] - num_inputs;
      if (operand < 0 || last_use[operand] != i) continue;
      last_use[operand] = kDead;  // it may be named twice
      (same_size(group, operand, i) ? live : dead_after) += same_size(group, operand, i) ? -1 : 1;
    }
    live += 1;
    most = larger(most, live);
    live -= dead_after;
  }
  return most;
}

std::int64_t total_elements(const KernelCall* call) {
  return num_elements(call->outputs[0]);
}

std::int64_t num_tiles(const KernelCall* call) {
  return ceil_div(total_elements(call), kTileElements);
}

std::int64_t scratch_bytes(const KernelCall* call) {
  return lay_out(call).slots + most_slots(*call->group, call->num_inputs, call->num_outputs) * kSlotBytes;
}

// About 0.2 ns per element and instruction where vectors are 64 bytes, more where they are narrower.
std::int64_t cost_ns(const KernelCall* call) {
  const std::int64_t work = call->group->num_instructions + call->num_inputs + call->num_outputs;
  return total_elements(call) * work * (64 / kVectorBytes) / 5;
}

// The registers of one run, and the state of assigning them.
struct Machine {
  const KernelCall* call;
  GatherSource* sources;
  Register* registers;
  Copy* copies;
  std::int32_t* free_slots;
  char* tiles;
  char* slots;
  std::int32_t num_copies;
  std::int32_t num_free;
  std::int32_t num_slots;
};

void find_last_uses(Machine& m) {
  const PointwiseGroup& group = *m.call->group;
  const std::int64_t n = num_registers(m.call);
  for (std::int64_t i = 0; i < n; ++i) {
    m.registers[i].last_use = -1;
    m.registers[i].slot = kNoSlot;
    m.registers[i].output = -1;
  }
  for (std::int32_t i = 0; i < group.num_instructions; ++i) {
    const PointwiseInstruction& instruction = group.instructions[i];
    for (int j = 0; j < instruction.num_operands; ++j) m.registers[instruction.operands[j]].last_use = i;
  }
}

void set_inputs(Machine& m) {
  for (std::int32_t i = 0; i < m.call->num_inputs; ++i) {
    GatherSource& source = m.sources[i];
    source = make_source(m.call->inputs[i]);
    char* const tile = m.tiles + i * kSlotBytes;
    if (source.is_scalar()) {
      gather(source, 0, smaller(kTileElements, total_elements(m.call)), tile);
    }
    const bool in_place = !source.is_scalar() && source.is_contiguous();
    m.registers[i].base = in_place ? m.call->inputs[i].data : tile;
    m.registers[i].step = in_place ? source.element_bytes : 0;
  }
}

// Whether instruction i may write the output's memory: no operand that lies there is read later or copied at the end.
bool may_write(const Machine& m, std::int32_t instruction, const TensorArg& output) {
  const PointwiseGroup& group = *m.call->group;
  const std::int64_t total = total_elements(m.call);
  const char* const begin = output.data;
  const char* const end = begin + total * element_bytes(output.dtype);
  for (std::int32_t i = 0; i < m.call->num_inputs; ++i) {
    const Register& input = m.registers[i];
    if (input.step == 0) {  // gathered at the start of a tile: planned in place only where it is contiguous
      continue;
    }
    const bool apart = input.base + total * input.step <= begin || end <= input.base;
    if (apart) continue;
    bool copied = false;
    for (std::int32_t j = 0; j < m.call->num_outputs; ++j) copied = copied || group.output_registers[j] == i;
    if (copied || input.last_use > instruction) return false;
  }
  return true;
}

// Decides for each output: written directly by its instruction, or copied at the end of the tile. Copies of inputs come
// first, because an output may lie on an input.
void set_outputs(Machine& m) {
  m.num_copies = 0;
  for (std::int32_t i = 0; i < m.call->num_outputs; ++i) {
    const std::int32_t from = m.call->group->output_registers[i];
    if (from < m.call->num_inputs) m.copies[m.num_copies++] = {from, i};
  }
  for (std::int32_t i = 0; i < m.call->num_outputs; ++i) {
    const std::int32_t from = m.call->group->output_registers[i];
    if (from < m.call->num_inputs) continue;
    Register& r = m.registers[from];
    const std::int32_t instruction = from - m.call->num_inputs;
    if (r.output < 0 && may_write(m, instruction, m.call->outputs[i])) {
      r.output = i;
      r.base = m.call->outputs[i].data;
      r.step = element_bytes(m.call->outputs[i].dtype);
    } else {
      m.copies[m.num_copies++] = {from, i};
      r.last_use = m.call->group->num_instructions;
    }
  }
}

// Gives back the slots of the operands that die at instruction i and are, or are not, as large as its result.
void free_operands(Machine& m, std::int32_t i, bool as_large) {
  const PointwiseInstruction& instruction = m.call->group->instructions[i];
  for (int j = 0; j < instruction.num_operands; ++j) {
    Register& operand = m.registers[instruction.operands[j]];
    if (operand.last_use != i || operand.slot == kNoSlot) continue;
    if (same_size(*m.call->group, instruction.operands[j] - m.call->num_inputs, i) != as_large) continue;
    m.free_slots[m.num_free++] = operand.slot;
    operand.slot = kNoSlot;  // an operand may be named twice
  }
}

void set_slots(Machine& m) {
  const PointwiseGroup& group = *m.call->group;
  m.num_free = 0;
  m.num_slots = 0;
  for (std::int32_t i = 0; i < group.num_instructions; ++i) {
    free_operands(m, i, true);
    Register& r = m.registers[m.call->num_inputs + i];
    if (r.output < 0) {
      r.slot = m.num_free > 0 ? m.free_slots[--m.num_free] : m.num_slots++;
      r.base = m.slots + r.slot * kSlotBytes;
      r.step = 0;
    }
    free_operands(m, i, false);
    if (r.output < 0 && r.last_use < 0) m.free_slots[m.num_free++] = r.slot;
  }
}

void run_one_tile(const Machine& m, std::int64_t begin, std::int64_t n) {
  const PointwiseGroup& group = *m.call->group;
  for (std::int32_t i = 0; i < m.call->num_inputs; ++i) {
    const bool gathered = m.registers[i].step == 0 && !m.sources[i].is_scalar();
    if (gathered) gather(m.sources[i], begin, n, m.registers[i].base);
  }
  for (std::int32_t i = 0; i < group.num_instructions; ++i) {
    const PointwiseInstruction& instruction = group.instructions[i];
    const void* operands[3] = {};
    for (int j = 0; j < instruction.num_operands; ++j) {
      const Register& operand = m.registers[instruction.operands[j]];
      operands[j] = operand.base + begin * operand.step;
    }
    const Register& r = m.registers[m.call->num_inputs + i];
    instruction.function(operands, r.base + begin * r.step, n);
  }
  for (std::int32_t i = 0; i < m.num_copies; ++i) {
    const Register& from = m.registers[m.copies[i].from];
    const TensorArg& output = m.call->outputs[m.copies[i].output];
    const std::int64_t size = element_bytes(output.dtype);
    __builtin_memmove(output.data + begin * size, from.base + begin * from.step, static_cast<std::size_t>(n * size));
  }
}

void run(const KernelCall* call, std::int64_t begin, std::int64_t end, char* scratch) {
  const Layout layout = lay_out(call);
  Machine m;
  m.call = call;
  m.sources = reinterpret_cast<GatherSource*>(scratch + layout.sources);
  m.registers = reinterpret_cast<Register*>(scratch + layout.registers);
  m.copies = reinterpret_cast<Copy*>(scratch + layout.copies);
  m.free_slots = reinterpret_cast<std::int32_t*>(scratch + layout.free_slots);
  m.tiles = scratch + layout.tiles;
  m.slots = scratch + layout.slots;
  find_last_uses(m);
  set_inputs(m);
  set_outputs(m);
  set_slots(m);
  const std::int64_t total = total_elements(call);
  for (std::int64_t tile = begin; tile < end; ++tile) {
    const std::int64_t first = tile * kTileElements;
    run_one_tile(m, first, smaller(kTileElements, total - first));
  }
}

}  // namespace

extern constinit const Kernel pointwise_kernels[] = {{"pointwise", kAnyType, num_tiles, scratch_bytes, cost_ns, run}};
extern constinit const std::int32_t num_pointwise_kernels = 1;

}  // namespace ingot::INGOT_LEVEL
