// A program's steps and memory in words. Sizes at the bounds of the plan, unless dims are given.
#include "explain.h"

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "base/error.h"

namespace ingot {
namespace {

// A table whose columns are as wide as their widest cell; the first is left-aligned.
class Table {
 public:
  void row(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }

  std::string text() const {
    std::vector<std::size_t> widths;
    for (const auto& cells : rows_) {
      widths.resize(std::max(widths.size(), cells.size()));
      for (std::size_t i = 0; i < cells.size(); ++i) widths[i] = std::max(widths[i], cells[i].size());
    }
    std::string text;
    for (const auto& cells : rows_) {
      for (std::size_t i = 0; i + 1 < cells.size(); ++i)
        text += std::string(widths[i] - cells[i].size(), ' ') + cells[i] + "  ";
      text += cells.back() + "\n";
    }
    return text;
  }

 private:
  std::vector<std::vector<std::string>> rows_;
};

std::string kernel_of(const Step& step) {
  if (step.kind != StepKind::kKernel) return "";
  std::string ops = step.num_anchor_inputs > 0 ? step.kernel : "";
  for (const GroupInstruction& instruction : step.group) ops += concat(ops.empty() ? "" : "+", instruction.op->name);
  return ops.empty() ? step.kernel : ops;
}

std::string microseconds(double ns) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.2f us", ns / 1e3);
  return text;
}

std::string percent(double part, double whole) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.0f %%", whole > 0 ? 100 * part / whole : 0.0);
  return text;
}

std::string per_second(double per_ns, const char* unit) {
  return concat(short_number(per_ns * 1e9), unit, "/s");
}

// What the caller allowed, whether anything came of it or not: the steps say that.
std::string freedoms_of(const CompileOptions& options, bool on_device) {
  std::string names;
  for (const std::string& name : options.fast) names += concat(names.empty() ? ", fast: " : ", ", name);
  return names.empty() || on_device ? names : names + " (nothing on the processor)";
}

std::string memory_line(const Plan& plan) {
  return concat("arena ", plan.arena_bytes, " bytes: ", plan.optimal ? "optimal for this order" : "not proved optimal",
                "; no placement of this order needs less than ", plan.lower_bound_bytes, ", no order less than ",
                plan.schedule_free_bound_bytes, "\n");
}

}  // namespace

std::string short_number(double value) {
  constexpr const char* kUnits[] = {" ", " K", " M", " G", " T", " P"};
  std::size_t unit = 0;
  while (value >= 999.5 && unit + 1 < std::size(kUnits)) value /= 1000, ++unit;
  char text[32];
  std::snprintf(text, sizeof(text), value >= 99.95 || unit == 0 ? "%.0f%s" : "%.3g%s", value, kUnits[unit]);
  return text;
}

std::string explain_steps(const Program& program, std::size_t graph, const DimValues& dims, const Measured* measured) {
  const Plan plan = program.plan(graph, dims);
  const std::vector<StepWork> works = program.work(graph, dims);
  const bool on_device = program.device() != nullptr;
  const std::vector<std::string> codes =
      on_device && dims.empty() ? program.step_codes(graph) : std::vector<std::string>(works.size());
  const bool timed = measured != nullptr && measured->steps.size() == works.size() && measured->runs > 0;
  double total_ns = 0;
  for (std::size_t i = 0; timed && i < works.size(); ++i) total_ns += static_cast<double>(measured->steps[i].total_ns);
  Table table;
  std::vector<std::string> head = {"step", "tiles", "threads", "flops", "bytes"};
  if (on_device) head = {"step", "runs as", "flops", "bytes"};
  table.row(head);
  if (timed) {
    std::fill(head.begin(), head.end(), "");
    head.insert(head.end(), {"a call", "share", "at best", ""});
    table.row(std::move(head));
  }
  for (std::size_t i = 0; i < works.size(); ++i) {
    if (plan.steps[i].kind != StepKind::kKernel) continue;
    const StepWork& work = works[i];
    std::vector<std::string> cells = {std::to_string(i)};
    if (on_device) {
      cells.push_back(codes[i]);
    } else {
      cells.insert(cells.end(), {std::to_string(work.tiles), std::to_string(work.threads)});
    }
    cells.insert(cells.end(),
                 {short_number(static_cast<double>(work.flops)), short_number(static_cast<double>(work.bytes)) + "B"});
    if (timed) {
      const StepProfile& step = measured->steps[i];
      const double call_ns =
          static_cast<double>(step.total_ns) / static_cast<double>(std::max<std::int64_t>(step.calls, 1));
      const double least_ns = program.limits().least_ns(work);
      cells.insert(cells.end(), {microseconds(call_ns), percent(static_cast<double>(step.total_ns), total_ns),
                                 microseconds(least_ns), percent(least_ns, call_ns)});
    }
    cells.push_back(kernel_of(plan.steps[i]));
    table.row(std::move(cells));
  }
  return table.text();
}

std::string explain(const Program& program, std::size_t graph, const Measured* measured) {
  const Graph& given = program.module().graphs[graph];
  const Plan plan = program.plan(graph);
  std::string text =
      concat("graph ", given.name, ": ", given.body.nodes.size(), " nodes recorded, ", plan.steps.size(), " steps; ",
             program.device() != nullptr
                 ? concat("device ", program.options().device)
                 : concat("level ", program.options().level, ", ", program.options().num_threads, " threads"),
             freedoms_of(program.options(), program.device() != nullptr), "\n");
  text += memory_line(plan);
  text += explain_groups(program, graph);
  text += explain_steps(program, graph, {}, measured);
  if (measured != nullptr) {
    const MachineLimits& limits = program.limits();
    text +=
        concat(program.device() != nullptr ? program.options().device : "one thread",
               " at best: ", per_second(limits.flops_per_ns, "flop"), ", ", per_second(limits.cached_bytes_per_ns, "B"),
               " from cache, ", per_second(limits.memory_bytes_per_ns, "B"), " from memory\n");
  }
  return text;
}

}  // namespace ingot
