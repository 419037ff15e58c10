// Which value lies in which slot, as check_memory.cpp walks the steps. Private to check_plan.
#pragma once

#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "plan/check.h"

namespace ingot::checking {

class HeldValues {
 public:
  explicit HeldValues(const Subject& subject);

  // The inputs of step t, a row or a group, hold the very values that its nodes read, where the graph says which.
  void check(std::uint32_t t, const Step& step) const;
  // At the end, behind step t: the output's slot holds this value.
  void check_output(std::uint32_t t, SlotId slot, ValueId value) const;

  // What a copy of this operand carries on.
  std::optional<Laid> copied_from(const Operand& source) const;
  // What the step's outputs hold from here on. Requires: a kernel; copied: what it copied, if it is a copy.
  void note(const Step& step, std::optional<Laid> copied);
  void forget(SlotId slot) { laid_[slot.index].reset(); }
  void carry_over(SlotId from, SlotId to) { laid_[to.index] = laid_[from.index]; }

 private:
  void find_leaves();
  void find_owners(const Graph& graph);
  void set_owner(const Graph& graph, NodeId node, NodeId owner);
  void check_value(std::uint32_t t, const Operand& input, ValueId operand) const;
  std::optional<Laid> laid_in(SlotId slot) const;
  Operand whole_operand(SlotId slot, ValueId value) const;

  const Subject& subject_;
  const Plan& plan_;
  std::vector<std::optional<Laid>> laid_;  // by slot: what steps put there, where that is known
  std::map<std::pair<SlotKind, std::uint32_t>, ValueId> leaves_;
  std::vector<NodeId> owner_;    // by node: the node in whose region it lies; not valid at top level
  std::vector<DimValues> dims_;  // for checks in numbers
};

}  // namespace ingot::checking
