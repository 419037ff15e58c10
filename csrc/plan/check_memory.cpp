// check_plan: every read sees what was last written for it. The steps are walked once in flat order; every write stamps
// the bytes of its slot, every read demands its own slot's stamp on them.
//   Branches: what only one of them wrote cannot be read behind them.
//   Loops: what a turn read and had not written itself must still be whole at the turn's end. What only a body wrote
//   cannot be read behind it, since the body may not run.
//   Swaps: two slots that swap own both buffers from the first write of either, wherever the other's address is.
//   Windows: their base must be whole when the loop begins (if written: it is claimed then) and at every turn's end.
// O(n log n) on straight code, times the nesting.
#include <algorithm>
#include <map>
#include <set>
#include <string>

#include "base/error.h"
#include "plan/check.h"

namespace ingot::checking {
namespace {

// Who owns which bytes of the arena: disjoint ranges with a stamp each.
class Ownership {
 public:
  void stamp(std::int64_t begin, std::int64_t end, std::uint64_t owner) {
    if (begin == end) return;
    cut(begin);
    cut(end);
    ranges_.erase(ranges_.lower_bound(begin), ranges_.lower_bound(end));
    ranges_[begin] = {end, owner};
  }
  bool owns(std::int64_t begin, std::int64_t end, std::uint64_t owner) const {
    if (begin == end) return true;
    const auto next = ranges_.upper_bound(begin);
    if (next == ranges_.begin()) return false;
    const Range& range = std::prev(next)->second;
    return range.owner == owner && range.end >= end;
  }

 private:
  struct Range {
    std::int64_t end = 0;
    std::uint64_t owner = 0;
  };

  void cut(std::int64_t at) {
    const auto next = ranges_.upper_bound(at);
    if (next == ranges_.begin()) return;
    const auto range = std::prev(next);
    if (range->first == at || range->second.end <= at) return;
    ranges_[at] = range->second;
    range->second.end = at;
  }

  std::map<std::int64_t, Range> ranges_;  // by begin
};

struct Content {
  std::uint64_t stamp = 0;       // of the group's leader: on all its bytes; 0: never written
  bool valid = false;            // may be read
  bool final = false;            // a state that was copied in: the last thing that happens to it
  std::uint32_t written_at = 0;  // step of the last write
  std::optional<Laid> laid{};    // what lies there, where that is known
};

struct OpenBlock {
  Block block;
  std::vector<SlotId> written{};                          // of the else branch once `then` is over
  std::vector<SlotId> written_in_then{};                  // of an if
  std::vector<SlotId> lost_in_then{};                     // of these: not whole any more when `then` ends
  std::vector<SlotId> first_written{};                    // could not be read before their first write
  std::vector<std::pair<SlotId, std::uint32_t>> reads{};  // of a loop: from before it, and when they had been written
};

class MemoryChecker {
 public:
  MemoryChecker(const Subject& subject, const std::vector<Block>& blocks)
      : subject_(subject),
        plan_(subject.plan),
        blocks_(blocks),
        content_(plan_.slots.size()),
        partner_(plan_.slots.size()),
        is_written_(plan_.slots.size(), false),
        open_windows_(plan_.slots.size(), 0),
        windows_of_loop_(plan_.loops.size()),
        dims_(sample_bindings(subject.module)),
        loop_is_open_(plan_.loops.size(), false) {
    find_leaves();
    for (std::uint32_t s = 0; s < plan_.slots.size(); ++s) {
      const SlotKind kind = plan_.slots[s].kind;
      if (kind == SlotKind::kWindow) windows_of_loop_[plan_.windows[plan_.slots[s].index].loop].push_back(SlotId(s));
      content_[s].valid = kind != SlotKind::kArena && kind != SlotKind::kOutput && kind != SlotKind::kWindow &&
                          kind != SlotKind::kStrip;
    }
    for (std::uint32_t t = 0; t < plan_.steps.size(); ++t) prepare(t);
    find_owners(subject.graph);
  }

  void run() {
    std::size_t next = 0;
    for (std::uint32_t t = 0; t < plan_.steps.size(); ++t) {
      t_ = t;
      const auto begins = [&] { return next < blocks_.size() && blocks_[next].begin == t; };
      while (begins() && blocks_[next].kind != Block::Kind::kScan) enter(blocks_[next++]);
      walk(plan_.steps[t]);
      while (begins()) enter(blocks_[next++]);  // what loop_begin writes and claims is there behind the loop too
      if (!open_.empty() && open_.back().block.kind == Block::Kind::kIf && open_.back().block.middle == t)
        turn_to_else();
      while (!open_.empty() && open_.back().block.end == t) leave();
    }
    std::vector<bool> written(subject_.graph.body.returns.size(), false);
    for (std::uint32_t s = 0; s < plan_.slots.size(); ++s) {
      if (plan_.slots[s].kind != SlotKind::kOutput || !content_[s].valid) continue;
      const ValueId value = subject_.graph.body.returns[plan_.slots[s].index];
      check_value(whole_operand(SlotId(s), value), value);
      written[plan_.slots[s].index] = true;
    }
    for (std::size_t i = 0; i < written.size(); ++i) {
      if (!written[i]) break_law(concat("output ", i), "it is not written on every path");
    }
  }

 private:
  void require(bool holds, const char* law) const {
    if (!holds) break_law(t_, law);
  }

  void find_leaves() {
    const auto& values = subject_.graph.values;
    for (std::uint32_t i = 0; i < values.size(); ++i) {
      std::uint32_t index = values[i].index;
      if (values[i].kind == ValueKind::kParam) index = subject_.module.params[index].alias_of.value_or(index);
      if (values[i].kind == ValueKind::kInput) leaves_.try_emplace({SlotKind::kInput, index}, ValueId(i));
      if (values[i].kind == ValueKind::kParam) leaves_.try_emplace({SlotKind::kParam, index}, ValueId(i));
      if (values[i].kind == ValueKind::kState) leaves_.try_emplace({SlotKind::kState, index}, ValueId(i));
      if (values[i].kind == ValueKind::kConstant) leaves_.try_emplace({SlotKind::kConstant, index}, ValueId(i));
    }
  }

  // Nodes inside a group count as where the group stands.
  void find_owners(const Graph& graph) {
    owner_.resize(graph.nodes.size());
    for (std::uint32_t i = 0; i < graph.nodes.size(); ++i) {
      if (graph.nodes[i].op->name == "fused") continue;
      for (const Region& region : graph.nodes[i].regions) {
        for (const NodeId inner : region.nodes) set_owner(graph, inner, NodeId(i));
      }
    }
  }

  void set_owner(const Graph& graph, NodeId node, NodeId owner) {
    owner_[node.index] = owner;
    if (graph.node(node).op->name != "fused") return;
    for (const NodeId member : graph.node(node).regions[0].nodes) owner_[member.index] = owner;
  }

  void prepare(std::uint32_t t) {
    const Step& step = plan_.steps[t];
    for (const Operand& output : step.outputs) {
      for (SlotId slot = output.slot;; slot = plan_.windows[plan_.slots[slot.index].index].base) {
        is_written_[slot.index] = true;
        if (plan_.slots[slot.index].kind != SlotKind::kWindow) break;
      }
    }
    if (step.kind != StepKind::kSwap) return;
    pair(t, step.slot_a, step.slot_b);
    pair(t, step.slot_b, step.slot_a);
  }

  void pair(std::uint32_t t, SlotId slot, SlotId other) {
    SlotId& partner = partner_[slot.index];
    if (partner.valid() && partner != other) break_law(t, "a slot swaps with two others");
    partner = other;
  }

  // Content of the slot, or for a swapped pair of the one with the lower number, whose stamp counts for both.
  Content& leader(SlotId slot) {
    const SlotId partner = partner_[slot.index];
    return content_[partner.valid() ? std::min(slot, partner).index : slot.index];
  }

  template <class Visit>
  void for_each_buffer(SlotId slot, Visit&& visit) const {
    if (plan_.slots[slot.index].kind != SlotKind::kArena) return;
    visit(plan_.buffers[plan_.slots[slot.index].index]);
    const SlotId partner = partner_[slot.index];
    if (partner.valid()) visit(plan_.buffers[plan_.slots[partner.index].index]);
  }

  bool intact(SlotId slot) {
    bool whole = true;
    const std::uint64_t stamp = leader(slot).stamp;
    for_each_buffer(slot, [&](const Buffer& buffer) {
      whole = whole && stamp != 0 && bytes_.owns(buffer.offset, buffer.offset + buffer.max_bytes, stamp);
    });
    return whole;
  }

  void claim(SlotId slot) {
    leader(slot).stamp = ++last_stamp_;
    for_each_buffer(slot, [&](const Buffer& buffer) {
      bytes_.stamp(buffer.offset, buffer.offset + buffer.max_bytes, last_stamp_);
    });
    const SlotId partner = partner_[slot.index];
    if (partner.valid()) content_[partner.index].valid = false;
  }

  void read(SlotId slot) {
    while (plan_.slots[slot.index].kind == SlotKind::kWindow) {
      const Window& window = plan_.windows[plan_.slots[slot.index].index];
      require(loop_is_open_[window.loop], "a window is read outside its loop");
      slot = window.base;
    }
    require(content_[slot.index].valid, "it reads what was not written on every path to it");
    require(!content_[slot.index].final, "it reads a state behind its update");
    require(intact(slot), "it reads bytes that something else has overwritten");
    const std::uint32_t written_at = content_[slot.index].written_at;
    for (std::size_t i = open_.size(); i-- > 0;) {
      if (open_[i].block.kind == Block::Kind::kIf) continue;
      if (written_at < turn_begin(open_[i].block)) open_[i].reads.emplace_back(slot, written_at);
      break;
    }
  }

  // The first step of a turn.
  static std::uint32_t turn_begin(const Block& block) {
    return block.kind == Block::Kind::kScan ? block.begin + 1 : block.begin;
  }

  bool whole(SlotId slot) { return content_[slot.index].valid && intact(slot); }

  void write(SlotId slot) {
    const bool was_whole = whole(base_slot(plan_, slot));
    if (plan_.slots[slot.index].kind == SlotKind::kWindow) {
      require(loop_is_open_[plan_.windows[plan_.slots[slot.index].index].loop], "a window is written outside its loop");
      slot = base_slot(plan_, slot);
      require(intact(slot), "it writes through a window whose base something else has overwritten");
    } else if (!intact(slot)) {
      claim(slot);
    }
    if (plan_.slots[slot.index].kind == SlotKind::kState) {
      require(open_.empty(), "it writes a state in a loop or a branch");
      state_is_written_ = true;
    }
    note_write(slot, was_whole);
  }

  void note_write(SlotId slot, bool was_whole) {
    Content& content = content_[slot.index];
    if (!open_.empty()) {
      OpenBlock& block = open_.back();
      block.written.push_back(slot);
      if (!was_whole) block.first_written.push_back(slot);
    }
    content.valid = true;
    content.written_at = t_;
    content.laid.reset();
  }

  void walk(const Step& step) {
    for (std::size_t i = 0; i < step.inputs.size(); ++i) read(step.inputs[i].slot);
    check_values(step);
    check_failure(step);
    if (step.kind == StepKind::kSwap) return swap(step);
    if (step.kind == StepKind::kLoopBegin) open_loop(step.loop);
    if (step.kind == StepKind::kLoopNext) check_windows(step.loop);
    const std::optional<Laid> copied = step.kernel == "copy" ? copied_from(step.inputs[0]) : std::nullopt;
    for (const Operand& output : step.outputs) write(output.slot);
    note_values(step, copied);
  }

  // A failed run leaves every state as it was: once one is written, nothing fails any more. A check that was passed
  // before passes again; an update in place checks before it writes.
  void check_failure(const Step& step) {
    const bool is_row = step.kind == StepKind::kKernel && step.op != nullptr && step.op->has(kMayFail);
    if (step.kind != StepKind::kAbort && !is_row) return;
    const std::string check = is_row ? describe_check(subject_.graph.node(step.node)) : "";
    const bool passed = !check.empty() && passed_checks_.contains(check);
    if (open_.empty() && !check.empty()) passed_checks_.insert(check);
    if (passed) return;
    require(!state_is_written_, "it may fail after a state was written");
    if (!is_row || plan_.slots[step.outputs[0].slot.index].kind != SlotKind::kState) return;
    const bool checks_first = step.op->has(kChecksFirst) && step.inputs[0].slot == step.outputs[0].slot;
    require(checks_first, "it may fail while it writes a state");
  }

  std::string describe_check(const Node& node) const {
    if (node.op->dtype_rule != DTypeRule::kIndexed) return "";
    std::string check = concat(node.op->name, " by ", node.operands.back().index);
    for (const ValueId operand : node.operands) check += to_string(subject_.graph.value(operand).type.shape);
    for (const AttrValue& attr : node.attrs) {
      if (const auto* axis = std::get_if<std::int64_t>(&attr)) check += concat(" axis ", *axis);
      if (const auto* sizes = std::get_if<Shape>(&attr)) check += concat(" sizes ", to_string(*sizes));
    }
    return check;
  }

  void swap(const Step& step) {
    const SlotId a = step.slot_a, b = step.slot_b;
    require(open_windows_[a.index] == 0 && open_windows_[b.index] == 0, "it swaps the base of an open window");
    require(content_[b.index].valid && intact(b), "it swaps in a buffer that was not written");
    std::optional<Laid> laid = content_[b.index].laid;
    note_write(a, whole(a));
    content_[a.index].laid = std::move(laid);
    content_[b.index].valid = false;
  }

  void open_loop(std::uint32_t loop) {
    loop_is_open_[loop] = true;
    for (const SlotId window : windows_of_loop_[loop]) {
      const SlotId direct = plan_.windows[plan_.slots[window.index].index].base, base = base_slot(plan_, direct);
      ++open_windows_[direct.index];
      if (!is_written_[window.index]) {
        read(direct);
      } else if (direct == base) {
        const bool was_whole = whole(base);
        if (!intact(base)) claim(base);
        note_write(base, was_whole);
      }
    }
  }

  // A window moves: its base must still be there, and so must the rows that earlier turns wrote.
  void check_windows(std::uint32_t loop) {
    for (const SlotId window : windows_of_loop_[loop]) {
      const SlotId base = base_slot(plan_, window);
      require(content_[base.index].valid && intact(base), "the base of a window does not survive a turn");
    }
  }

  void enter(const Block& block) { open_.push_back({.block = block}); }

  void turn_to_else() {
    OpenBlock& top = open_.back();
    top.written_in_then = std::move(top.written);
    top.written.clear();
    for (const SlotId slot : top.written_in_then) {
      if (!whole(slot)) top.lost_in_then.push_back(slot);
    }
  }

  static void sort_unique(std::vector<SlotId>& slots) {
    std::sort(slots.begin(), slots.end());
    slots.erase(std::unique(slots.begin(), slots.end()), slots.end());
  }

  void leave() {
    OpenBlock top = std::move(open_.back());
    open_.pop_back();
    if (top.block.kind == Block::Kind::kIf) {
      leave_branches(top);
    } else {
      leave_loop(top);
    }
    if (open_.empty()) return;
    sort_unique(top.written);
    std::vector<SlotId>& outer = open_.back().written;
    outer.insert(outer.end(), top.written.begin(), top.written.end());
    std::vector<SlotId>& first = open_.back().first_written;
    first.insert(first.end(), top.first_written.begin(), top.first_written.end());
  }

  void leave_branches(OpenBlock& top) {
    sort_unique(top.written);
    sort_unique(top.written_in_then);
    std::vector<SlotId> in_one;
    std::set_symmetric_difference(top.written.begin(), top.written.end(), top.written_in_then.begin(),
                                  top.written_in_then.end(), std::back_inserter(in_one));
    for (const SlotId slot : in_one) content_[slot.index].valid = false;
    for (const SlotId slot : top.lost_in_then) content_[slot.index].valid = false;
    for (const SlotId slot : top.written) content_[slot.index].laid.reset();
    top.written.insert(top.written.end(), in_one.begin(), in_one.end());
  }

  void leave_loop(OpenBlock& top) {
    std::sort(top.reads.begin(), top.reads.end());
    top.reads.erase(std::unique(top.reads.begin(), top.reads.end()), top.reads.end());
    for (const auto& [slot, written_at] : top.reads) {
      require(content_[slot.index].valid && intact(slot), "what the loop reads does not survive a turn");
    }
    for (std::size_t i = open_.size(); i-- > 0;) {
      if (open_[i].block.kind == Block::Kind::kIf) continue;
      for (const auto& [slot, written_at] : top.reads) {
        if (written_at < turn_begin(open_[i].block)) open_[i].reads.emplace_back(slot, written_at);
      }
      break;
    }
    if (top.block.kind == Block::Kind::kScan) close_loop(plan_.steps[top.block.begin].loop);
    for (const SlotId slot : top.first_written) content_[slot.index].valid = false;
    for (const SlotId slot : top.written) content_[slot.index].laid.reset();
  }

  void close_loop(std::uint32_t loop) {
    loop_is_open_[loop] = false;
    for (const SlotId window : windows_of_loop_[loop]) {
      --open_windows_[plan_.windows[plan_.slots[window.index].index].base.index];
    }
  }

  // Inputs of rows and groups: the slot holds the very value, where the graph says which.
  void check_values(const Step& step) {
    if (step.kind != StepKind::kKernel || step.kernel == "copy") return;
    const Node& node = subject_.graph.node(step.node);
    if (step.group.empty()) {
      for (std::size_t i = 0; i < step.inputs.size(); ++i) check_value(step.inputs[i], node.operands[i]);
      return;
    }
    const GroupNodes nodes = group_nodes(step);
    if (nodes.anchor.valid()) {
      const std::vector<ValueId>& operands = subject_.graph.node(nodes.anchor).operands;
      for (std::size_t i = 0; i < operands.size(); ++i) check_value(step.inputs[i], operands[i]);
    }
    if (nodes.tail.valid()) check_value(step.inputs[2], subject_.graph.node(nodes.tail).operands[1]);
    for (std::size_t g = 0; g < nodes.members.size(); ++g) {
      const std::vector<ValueId>& operands = subject_.graph.node(nodes.members[g]).operands;
      for (std::size_t i = 0; i < operands.size(); ++i) {
        const std::uint32_t r = step.group[g].operands[i];
        if (r >= nodes.first_input && r < nodes.first_instruction)
          check_value(step.inputs[r - nodes.first_input + step.num_anchor_inputs], operands[i]);
      }
    }
  }

  // The nodes of a group and the registers of its inputs and instructions (check_steps has found them sound).
  struct GroupNodes {
    NodeId anchor, tail;
    std::span<const NodeId> members;
    std::size_t first_input = 0, first_instruction = 0;
  };

  GroupNodes group_nodes(const Step& step) const {
    const Node& node = subject_.graph.node(step.node);
    GroupNodes nodes;
    nodes.members = {&step.node, 1};
    if (!node.regions.empty()) nodes.members = node.regions[0].nodes;
    if (step.num_anchor_inputs > 0) {
      nodes.anchor = nodes.members.front();
      nodes.members = nodes.members.subspan(1);
      nodes.first_input = 1;
    }
    if (step.kernel == "attention") {
      nodes.tail = nodes.members.back();
      nodes.members = nodes.members.first(nodes.members.size() - 1);
    }
    nodes.first_instruction = nodes.first_input + step.inputs.size() - step.num_anchor_inputs;
    return nodes;
  }

  void check_value(const Operand& input, ValueId operand) {
    const std::optional<ValueId> source = source_of(subject_.graph, operand);
    if (!source || plan_.slots[input.slot.index].kind == SlotKind::kWindow) return;
    const Value& value = subject_.graph.value(*source);
    const Slot& place = plan_.slots[input.slot.index];
    const bool is_leaf_place =
        place.kind != SlotKind::kArena && place.kind != SlotKind::kOutput && place.kind != SlotKind::kStrip;
    const std::optional<Laid>& held = content_[input.slot.index].laid;
    if (value.kind == ValueKind::kRegionArg) {
      const NodeId definer = held ? subject_.graph.value(held->value).node : NodeId();
      const bool is_next = definer.valid() && owner_[definer.index] == value.node;
      return require(!is_next, "it reads a carried value where the next one has been written");
    }
    if (value.kind == ValueKind::kResult) {
      require(held || !is_leaf_place, "an operand that is a result lies where none was written");
    } else if (is_leaf_place) {
      require(!held, "it reads the old value of a state that has been written");
    }
    const std::optional<Laid> laid = laid_in(input.slot);
    require(!laid || same_source(subject_, laid->value, *source), "an operand lies where another value was written");
    if (!laid || dims_.empty() || input.layout.in_panels()) return;
    require(shows_value(subject_, dims_.back(), input, operand, *laid),
            "an operand does not show its value's elements");
  }

  // What lies in the slot: what a step put there, else the leaf itself.
  std::optional<Laid> laid_in(SlotId slot) const {
    const std::optional<Laid>& laid = content_[slot.index].laid;
    if (laid) return laid;
    const auto leaf = leaves_.find({plan_.slots[slot.index].kind, plan_.slots[slot.index].index});
    if (leaf == leaves_.end()) return std::nullopt;
    return Laid{.value = leaf->second, .written = whole_operand(slot, leaf->second)};
  }

  // The value, row-major from the slot's start on.
  Operand whole_operand(SlotId slot, ValueId value) const {
    Operand whole{.slot = slot, .type = subject_.graph.value(value).type, .strides = {}, .offset = 0};
    Size stride = 1;
    for (std::size_t axis = whole.type.shape.size(); axis-- > 0;) {
      whole.strides.insert(whole.strides.begin(), stride);
      if (axis > 0) stride = stride * whole.type.shape[axis];
    }
    return whole;
  }

  std::optional<Laid> copied_from(const Operand& source) const {
    if (plan_.slots[source.slot.index].kind == SlotKind::kWindow) return std::nullopt;
    return laid_in(source.slot);
  }

  void note_values(const Step& step, std::optional<Laid> copied) {
    if (step.kind != StepKind::kKernel) return;
    const auto note = [&](const Operand& output, std::optional<Laid> laid) {
      if (plan_.slots[output.slot.index].kind != SlotKind::kWindow) content_[output.slot.index].laid = std::move(laid);
    };
    if (step.kernel == "copy") {
      const SlotId target = step.outputs[0].slot;
      content_[target.index].final = plan_.slots[target.index].kind == SlotKind::kState;
      if (copied) copied->copies.emplace_back(step.inputs[0], step.outputs[0]);
      return note(step.outputs[0], std::move(copied));
    }
    if (step.group.empty()) {
      const ValueId value = subject_.graph.node(step.node).results[0];
      return note(step.outputs[0], Laid{.value = value, .written = step.outputs[0]});
    }
    const GroupNodes nodes = group_nodes(step);
    for (std::size_t o = 0; o < step.outputs.size(); ++o) {
      const NodeId maker =
          nodes.tail.valid() ? nodes.tail : nodes.members[step.group_outputs[o] - nodes.first_instruction];
      note(step.outputs[o], Laid{.value = subject_.graph.node(maker).results[0], .written = step.outputs[o]});
    }
  }

  const Subject& subject_;
  const Plan& plan_;
  const std::vector<Block>& blocks_;
  std::vector<Content> content_;  // by slot
  std::vector<SlotId> partner_;   // by slot: the one it swaps with
  std::map<std::pair<SlotKind, std::uint32_t>, ValueId> leaves_;
  std::vector<bool> is_written_;   // by slot: some step writes it, or a window on it
  std::vector<int> open_windows_;  // by slot: windows of running loops on it
  std::vector<std::vector<SlotId>> windows_of_loop_;
  std::vector<DimValues> dims_;  // for checks in numbers
  std::vector<bool> loop_is_open_;
  std::vector<NodeId> owner_;  // by node: the node in whose region it lies; not valid at top level
  std::vector<OpenBlock> open_;
  Ownership bytes_;
  std::set<std::string> passed_checks_;  // of steps outside every block
  bool state_is_written_ = false;
  std::uint64_t last_stamp_ = 0;
  std::uint32_t t_ = 0;
};

}  // namespace

void check_memory(const Subject& subject, const std::vector<Block>& blocks) {
  MemoryChecker(subject, blocks).run();
}

}  // namespace ingot::checking
