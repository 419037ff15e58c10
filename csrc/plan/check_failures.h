// A failed run leaves every state as it was: once one is written, nothing fails any more. A check that was passed
// before passes again; an update in place checks before it writes. Private to check_plan.
#pragma once

#include <set>
#include <string>

#include "plan/check.h"

namespace ingot::checking {

class Failures {
 public:
  explicit Failures(const Subject& subject) : subject_(subject) {}

  // Step t is next. at_top: it lies in no loop and no branch.
  void check(std::uint32_t t, const Step& step, bool at_top);
  void note_state_write() { state_is_written_ = true; }

 private:
  std::string describe_check(const Node& node) const;

  const Subject& subject_;
  std::set<std::string> passed_;  // checks of steps at top
  bool state_is_written_ = false;
};

}  // namespace ingot::checking
