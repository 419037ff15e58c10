// A correct plan of a text, to be damaged by hand, and what the tests of several laws damage.
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <utility>

#include "base/error.h"
#include "plan/plan.h"
#include "text_modules.h"

namespace ingot::testing {

struct Planned {
  explicit Planned(const std::string& text, const PlanOptions& options = {})
      : module(verified("ingot 1\nnumerics 1\n" + text)) {
    plan = make_plan(module, module.graphs[0], options);
    check_plan(module, module.graphs[0], plan);
  }

  Step& step(std::string_view kernel, int which = 0) {
    for (Step& candidate : plan.steps) {
      if (candidate.kernel == kernel && which-- == 0) return candidate;
    }
    FAIL("no such step");
    return plan.steps[0];
  }
  Step& step(StepKind kind, int which = 0) {
    for (Step& candidate : plan.steps) {
      if (candidate.kind == kind && which-- == 0) return candidate;
    }
    FAIL("no such step");
    return plan.steps[0];
  }
  Buffer& buffer_of(SlotId slot) { return plan.buffers[plan.slots[slot.index].index]; }

  // The law that the plan breaks; empty if it is accepted.
  std::string broken() const {
    try {
      check_plan(module, module.graphs[0], plan);
    } catch (const Error& error) {
      REQUIRE(error.code() == ErrorCode::kInternal);
      return error.message();
    }
    return "";
  }
  bool breaks(std::string_view law) const {
    const std::string message = broken();
    CAPTURE(message);
    const bool found = message.find(law) != std::string::npos;
    CHECK_MESSAGE(found, message);
    return found;
  }

  Module module;
  Plan plan;
};

inline Planned straight() {
  return Planned(R"(dim n in 1..8
param w: f32[4,4]
graph g(x: f32[n,4], y: f32[4,4]) {
  %0 = matmul(x, w) : f32[n,4]
  %1 = matmul(x, y) : f32[n,4]
  %2 = matmul(%0, w) : f32[n,4]
  %3 = concat(%0, %1, %2, axis=0) : f32[3*n,4]
  %4 = slice(%3, start=[n,0], stop=[3*n,4], step=[1,1]) : f32[2*n,4]
  %5 = exp(%4) : f32[2*n,4]
  return %5, %2
}
)");
}

inline Planned scanning() {
  return Planned(R"(dim n in 0..8
graph g(x: f32[n,4,4], y: f32[4,4]) {
  %0 = matmul(x, y) : f32[n,4,4]
  %1, %2 = scan(y, %0, carries=1, length=n) : f32[4,4], f32[n,4,4] {
    body(%3: f32[4,4], %4: i64[], %5: f32[4,4]) {
      %6 = matmul(%3, %5) : f32[4,4]
      %7 = matmul(%6, %3) : f32[4,4]
      return %6, %7
    }
  }
  %8 = sum(%2, axes=[0]) : f32[4,4]
  %9 = matmul(%8, %1) : f32[4,4]
  return %9
}
)");
}

inline void swap_steps(Planned& planned, std::size_t a, std::size_t b) {
  std::swap(planned.plan.steps[a], planned.plan.steps[b]);
}

}  // namespace ingot::testing
