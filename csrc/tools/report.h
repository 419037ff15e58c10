// What a run came to, as plain data, and its two forms on standard output.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "plan/plan.h"
#include "program.h"
#include "tools/load.h"
#include "tools/tensor.h"

namespace ingot::tools {

struct InputReport {
  std::string name, type, source;
};

struct OutputReport {
  std::string name, type, file;  // file: "" if it was not written
  Statistics statistics;
};

struct Comparison {
  std::string name, file;
  double difference = 0, tolerance = 0;
  std::string mismatch;  // of types; "" if they agree
  bool ok() const { return mismatch.empty() && difference <= tolerance; }
};

struct ProfiledStep {
  std::string kernel, where;
  std::int64_t calls = 0, total_ns = 0;
  StepWork work;        // of one call
  double least_ns = 0;  // that one could take on this machine
};

struct Report {
  std::string model, graph, device, level;
  int threads = 0;
  std::int64_t arena_bytes = 0, lower_bound_bytes = 0, any_order_bound_bytes = 0;
  std::int64_t peak_resident_bytes = 0;
  bool optimal = false;
  StartTimes start;
  std::int64_t first_run_ns = 0;
  std::int64_t warmup = 0;
  std::vector<std::int64_t> run_ns;  // of the timed runs, sorted
  std::vector<InputReport> inputs;
  std::vector<OutputReport> outputs;
  std::vector<Comparison> comparisons;
  std::vector<ProfiledStep> profile;
};

std::string to_text(const Report& report);
std::string to_json(const Report& report);

// The value below which `percent` of the sorted values lie. Requires a value.
std::int64_t percentile(const std::vector<std::int64_t>& sorted, int percent);

}  // namespace ingot::tools
