// Runs the machine of group.h: a rectangle of the space piece by piece, each instruction on all of a piece.
#include "kernels/group_machine.h"
#include "kernels/simd.h"

namespace ingot::INGOT_LEVEL {
namespace {

struct Rectangle {
  std::int64_t row, rows, column, columns;
};

template <class T>
struct CopyEach {
  static void run(const char* from, std::int64_t from_step, char* to, std::int64_t to_step, std::int64_t n) {
    const T* const f = reinterpret_cast<const T*>(from);
    T* const t = reinterpret_cast<T*>(to);
    for (std::int64_t i = 0; i < n; ++i) t[i * to_step] = f[i * from_step];
  }
};

void place_input(GroupMachine& m, std::int32_t input, const Rectangle& at) {
  GroupRegister& r = m.registers[input];
  if (r.place == kOneForAll) return;
  const TensorArg& x = input_arg(m, input);
  if (r.gathered >= 0) {
    r.data = m.slots + r.slot * m.slot_bytes;
    r.row_bytes = at.columns * r.size;
    const GatherSource& source = m.sources[r.gathered];
    const std::int64_t first = at.row * m.space.columns + at.column;
    if (at.columns == m.space.columns) return gather(source, first, at.rows * at.columns, r.data);
    for (std::int64_t i = 0; i < at.rows; ++i) {
      gather(source, first + i * m.space.columns, at.columns, r.data + i * r.row_bytes);
    }
  } else if (r.place == kPerRow) {
    r.data = m.row_elements + input * kRowsAtOnceMost * kLargestElement;
    const std::int64_t step = m.space.lead_rank == 0 ? 0 : x.strides[m.space.lead_axes[m.space.lead_rank - 1]];
    by_size<CopyEach>(r.size)(panel_begin(m.space, x, at.row, 0), step, r.data, 1, at.rows);
  } else {
    r.data = panel_begin(m.space, x, at.row, at.column);
    r.row_bytes = r.place == kSameRow ? 0 : panel_row_bytes(m.space, x);
  }
}

void place_result(GroupMachine& m, std::int32_t index, const Rectangle& at, const GroupPanel* result) {
  GroupRegister& r = m.registers[index];
  if (r.place == kPerRow) return;
  if (r.output < 0) {
    r.row_bytes = at.columns * r.size;
  } else if (r.output == 0 && result != nullptr) {
    r.data = result->data;
    r.row_bytes = result->row_bytes;
  } else {
    r.data = panel_begin(m.space, m.call->outputs[r.output], at.row, at.column);
    r.row_bytes = panel_row_bytes(m.space, m.call->outputs[r.output]);
  }
}

// Calls a tile function on n elements, operand j moving by steps[j] bytes an element.
void apply(TileFunction function, const void* const* operands, const std::int64_t* steps, int num_operands,
           char* result, std::int64_t result_step, std::int64_t n) {
  if (n <= kTileElements) return function(operands, result, n);
  const void* moved[kMostOperands] = {};
  for (std::int64_t begin = 0; begin < n; begin += kTileElements) {
    for (int j = 0; j < num_operands; ++j) moved[j] = static_cast<const char*>(operands[j]) + begin * steps[j];
    function(moved, result + begin * result_step, smaller(kTileElements, n - begin));
  }
}

TileFunction function_of(const PointwiseInstruction& instruction, const GroupRegister& to) {
  return to.scalar == kNone ? instruction.function : instruction.with_scalar[to.scalar];
}

void run_by_rows(GroupMachine& m, const PointwiseInstruction& instruction, const GroupRegister& to,
                 const Rectangle& at) {
  for (std::int64_t row = 0; row < at.rows; ++row) {
    const void* operands[kMostOperands] = {};
    std::int64_t steps[kMostOperands] = {};
    for (int j = 0; j < instruction.num_operands; ++j) {
      const GroupRegister& x = m.registers[instruction.operands[j]];
      operands[j] = x.place == kPerRow ? x.data + row * x.size : x.data + row * x.row_bytes;
      if (j == to.scalar || x.place == kOneForAll) {
        operands[j] = x.place == kPerRow ? operands[j] : x.data;
      } else if (x.place == kPerRow) {
        char* const splat = m.splats + j * kTileBytes;
        const GatherSource one{static_cast<const char*>(operands[j]), 0, x.size, {}, {}};
        gather(one, 0, smaller(at.columns, kTileElements), splat);
        operands[j] = splat;
      } else {
        steps[j] = x.size;
      }
    }
    apply(function_of(instruction, to), operands, steps, instruction.num_operands, to.data + row * to.row_bytes,
          to.size, at.columns);
  }
}

// One call for all rows, where no operand differs from row to row other than by its elements.
bool run_at_once(GroupMachine& m, const PointwiseInstruction& instruction, const GroupRegister& to,
                 const Rectangle& at) {
  const auto flat = [&](const GroupRegister& x) { return at.rows == 1 || x.row_bytes == at.columns * x.size; };
  if (!flat(to)) return false;
  const void* operands[kMostOperands] = {};
  std::int64_t steps[kMostOperands] = {};
  for (int j = 0; j < instruction.num_operands; ++j) {
    const GroupRegister& x = m.registers[instruction.operands[j]];
    const bool fits = x.place == kOneForAll || (x.place == kDense && flat(x)) || (x.place == kSameRow && at.rows == 1);
    if (!fits) return false;
    operands[j] = x.data;
    steps[j] = x.place == kOneForAll ? 0 : x.size;
  }
  apply(function_of(instruction, to), operands, steps, instruction.num_operands, to.data, to.size,
        at.rows * at.columns);
  return true;
}

// The instructions of the chain, on inputs that have been placed.
void run_first_chain(GroupMachine& m, const Rectangle& at) {
  const PointwiseInstruction& first = m.group->instructions[0];
  const GroupRegister& from = m.registers[first.operands[m.chain[0].reversed]];
  const GroupRegister& to = m.registers[m.num_inputs + m.chain_length - 1];
  for (std::int32_t i = 0; i < m.chain_length; ++i) {
    const GroupRegister& y = m.registers[m.chain[i].input];
    m.chain[i].data = y.data;
    m.chain[i].row_bytes = y.place == kDense ? y.row_bytes : 0;
  }
  run_chain({from.data, from.row_bytes, to.data, to.row_bytes, m.chain, m.chain_length}, at.rows, at.columns);
}

void run_instruction(GroupMachine& m, std::int32_t index, const Rectangle& at) {
  const PointwiseInstruction& instruction = m.group->instructions[index];
  const GroupRegister& to = m.registers[m.num_inputs + index];
  if (instruction.reduce != nullptr) {
    const GroupRegister& x = m.registers[instruction.operands[0]];
    return instruction.reduce(x.data, x.row_bytes / x.size, at.rows, at.columns, to.data);
  }
  if (instruction.per_row != 0) {
    const void* operands[kMostOperands] = {};
    for (int j = 0; j < instruction.num_operands; ++j) operands[j] = m.registers[instruction.operands[j]].data;
    return instruction.function(operands, to.data, at.rows);
  }
  if (!run_at_once(m, instruction, to, at)) run_by_rows(m, instruction, to, at);
}

void copy_output(const GroupMachine& m, const GroupCopy& copy, const Rectangle& at, const GroupPanel* result) {
  const GroupRegister& from = m.registers[copy.from];
  const TensorArg& output = m.call->outputs[copy.output];
  const std::int64_t size = element_bytes(output.dtype);
  if (from.place == kPerRow) {
    __builtin_memcpy(output.data + at.row * size, from.data, static_cast<std::size_t>(at.rows * size));
    return;
  }
  for (std::int64_t i = 0; i < at.rows; ++i) {
    const char* const row = from.data + i * from.row_bytes;
    if (copy.output == 0 && result != nullptr) {
      __builtin_memcpy(result->data + i * result->row_bytes, row, static_cast<std::size_t>(at.columns * size));
    } else if (is_row_contiguous(m.space, output)) {
      __builtin_memmove(panel_begin(m.space, output, at.row + i, at.column), row,
                        static_cast<std::size_t>(at.columns * size));
    } else {
      char* const to = panel_begin(m.space, output, at.row + i, 0);
      const std::int64_t step = output.strides[m.space.axes[m.space.rank - 1]];
      by_size<CopyEach>(static_cast<int>(size))(row, 1, to + at.column * step * size, step, at.columns);
    }
  }
}

// Fetches part of the rectangle below this one into the second-level cache while this one is computed: rows lie on
// pages of their own, which the processor does not look ahead into.
void prefetch_below(const GroupMachine& m, const Rectangle& at, std::int32_t part) {
  constexpr std::int64_t kLine = 64, kMostLines = 1024;
  const std::int64_t rows = smaller(at.rows, m.space.rows - at.row - at.rows), parts = m.group->num_instructions;
  if (rows <= 0 || m.space.lead_rank != 1) return;
  const auto fetch = [&](const TensorArg& x) {
    const std::int64_t row_bytes = panel_row_bytes(m.space, x), size = element_bytes(x.dtype);
    const std::int64_t lines = ceil_div(at.columns * size, kLine), all = smaller(rows * lines, kMostLines);
    const std::int64_t first = all * part / parts, last = all * (part + 1) / parts;
    const char* row = panel_begin(m.space, x, at.row + at.rows, at.column) + first / lines * row_bytes;
    for (std::int64_t i = first, line = first % lines; i < last; ++i) {
      __builtin_prefetch(row + line * kLine, 0, 2);
      if (++line == lines) row += row_bytes, line = 0;
    }
  };
  for (std::int32_t i = m.group->anchored; i < m.num_inputs; ++i) {
    const GroupRegister& r = m.registers[i];
    if (r.place == kDense && r.gathered < 0) fetch(input_arg(m, i));
  }
  for (std::int32_t i = m.num_inputs; i < m.num_registers; ++i) {
    if (m.registers[i].output > 0 || (m.registers[i].output == 0 && m.group->anchored == 0)) {
      fetch(m.call->outputs[m.registers[i].output]);
    }
  }
}

void run_rectangle(GroupMachine& m, const Rectangle& at, const GroupPanel* anchor, const GroupPanel* result) {
  for (std::int32_t i = m.group->anchored; i < m.num_inputs; ++i) place_input(m, i, at);
  if (m.group->anchored != 0) {
    m.registers[0].data = anchor->data;
    m.registers[0].row_bytes = anchor->row_bytes;
  }
  for (std::int32_t i = m.num_inputs; i < m.num_registers; ++i) place_result(m, i, at, result);
  const bool by_rows = m.group->row_axes > 0 && m.group->anchored == 0;
  if (m.chain_length > 0) run_first_chain(m, at);
  for (std::int32_t i = m.chain_length; i < m.group->num_instructions; ++i) {
    if (by_rows) prefetch_below(m, at, i);
    run_instruction(m, i, at);
  }
  for (std::int32_t i = 0; i < m.num_copies; ++i) copy_output(m, m.copies[i], at, result);
}

}  // namespace

void run_group(GroupMachine& m, std::int64_t row, std::int64_t rows, std::int64_t column, std::int64_t columns,
               const GroupPanel* anchor, const GroupPanel* result) {
  const bool whole = m.group->row_axes > 0;
  const bool in_registers = m.chain_length == m.group->num_instructions && m.num_copies == 0;
  const std::int64_t width = whole || in_registers ? columns : smaller(columns, m.piece);
  std::int64_t height = whole ? group_rows_at_once(m.space) : smaller(kRowsAtOnceMost, larger(m.piece / width, 1));
  if (in_registers) height = rows;
  const std::int64_t line = m.space.lead_rank > 1 ? m.space.lead_shape[m.space.lead_rank - 1] : m.space.rows;
  for (std::int64_t r = row; r < row + rows;) {
    const std::int64_t count = smaller(smaller(height, row + rows - r), line - r % line);
    for (std::int64_t c = column; c < column + columns; c += width) {
      const std::int64_t wide = smaller(width, column + columns - c), down = r - row, right = c - column;
      const auto panel = [&](const GroupPanel* p, int size) {
        return GroupPanel{p->data + down * p->row_bytes + right * size, p->row_bytes};
      };
      GroupPanel from{}, to{};
      if (anchor != nullptr) from = panel(anchor, m.registers[0].size);
      if (result != nullptr) to = panel(result, element_bytes(m.call->outputs[0].dtype));
      run_rectangle(m, {r, count, c, wide}, anchor != nullptr ? &from : nullptr, result != nullptr ? &to : nullptr);
    }
    r += count;
  }
}

}  // namespace ingot::INGOT_LEVEL
