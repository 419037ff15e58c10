// Text for people, JSON for programs; both say what a time includes.
#include "tools/report.h"

#include <cstdarg>
#include <cstdio>

#include "base/error.h"
#include "tools/json.h"

namespace ingot::tools {

namespace {

constexpr const char* kTimedWhat = "one run of the graph: inputs and outputs in memory, nothing loaded or written";

[[gnu::format(printf, 2, 3)]] void append(std::string& out, const char* format, ...) {
  char line[512];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(line, sizeof(line), format, arguments);
  va_end(arguments);
  out += line;
}

double to_us(std::int64_t ns) {
  return static_cast<double>(ns) / 1e3;
}

double to_ms(std::int64_t ns) {
  return static_cast<double>(ns) / 1e6;
}

void append_output(std::string& out, const OutputReport& output) {
  out += "output " + output.name + ": " + output.type;
  const Statistics& s = output.statistics;
  if (s.count > s.num_nan) append(out, "  min %.9g, max %.9g, mean %.9g", s.min, s.max, s.mean);
  if (s.num_nan > 0) append(out, "  %lld nan", static_cast<long long>(s.num_nan));
  if (!output.file.empty()) out += "  -> " + output.file;
  out += "\n";
}

void append_comparison(std::string& out, const Comparison& comparison) {
  out += concat("expect ", comparison.name, " = ", comparison.file, ": ");
  if (comparison.mismatch.empty()) {
    append(out, "largest difference %.3g, tolerance %.3g: ", comparison.difference, comparison.tolerance);
  } else {
    out += comparison.mismatch + ": ";
  }
  out += comparison.ok() ? "ok\n" : "FAILED\n";
}

void append_times(std::string& out, const Report& report) {
  append(out,
         "load %.3f ms, compile %.3f ms (packing %.3f ms), reserve %.3f ms: ready after %.3f ms; first run %.3f ms\n",
         to_ms(report.start.load_ns), to_ms(report.start.compile.total_ns), to_ms(report.start.compile.pack_ns),
         to_ms(report.start.reserve_ns), to_ms(report.start.ready_ns), to_ms(report.first_run_ns));
  if (report.run_ns.empty()) return;
  const std::vector<std::int64_t>& ns = report.run_ns;
  append(out, "%zu runs after %lld warm-up: min %.3f us, p50 %.3f us, p90 %.3f us, p99 %.3f us\n", ns.size(),
         static_cast<long long>(report.warmup), to_us(ns.front()), to_us(percentile(ns, 50)), to_us(percentile(ns, 90)),
         to_us(percentile(ns, 99)));
  out += concat("  timed: ", kTimedWhat, "\n");
}

void append_profile(std::string& out, const Report& report) {
  if (report.profile.empty()) return;
  std::int64_t total_ns = 0;
  for (const ProfiledStep& step : report.profile) total_ns += step.total_ns;
  out += "step   calls    mean us  share    at best  kernel\n";
  for (std::size_t i = 0; i < report.profile.size(); ++i) {
    const ProfiledStep& step = report.profile[i];
    const double mean_us = step.calls == 0 ? 0 : to_us(step.total_ns) / static_cast<double>(step.calls);
    const double share = total_ns == 0 ? 0 : 100 * static_cast<double>(step.total_ns) / static_cast<double>(total_ns);
    append(out, "%4zu %7lld %10.3f %5.1f%% %10.3f  ", i, static_cast<long long>(step.calls), mean_us, share,
           step.least_ns / 1e3);
    out += step.kernel + (step.where.empty() ? "" : "  @ " + step.where) + "\n";
  }
}

void write_inputs(JsonWriter& json, const Report& report) {
  json.key("inputs");
  json.begin_array();
  for (const InputReport& input : report.inputs) {
    json.begin_object();
    json.key("name"), json.string(input.name);
    json.key("type"), json.string(input.type);
    json.key("source"), json.string(input.source);
    json.end_object();
  }
  json.end_array();
}

void write_outputs(JsonWriter& json, const Report& report) {
  json.key("outputs");
  json.begin_array();
  for (const OutputReport& output : report.outputs) {
    json.begin_object();
    json.key("name"), json.string(output.name);
    json.key("type"), json.string(output.type);
    json.key("elements"), json.integer(output.statistics.count);
    json.key("nan"), json.integer(output.statistics.num_nan);
    if (output.statistics.count > output.statistics.num_nan) {
      json.key("min"), json.number(output.statistics.min);
      json.key("max"), json.number(output.statistics.max);
      json.key("mean"), json.number(output.statistics.mean);
    }
    if (!output.file.empty()) json.key("file"), json.string(output.file);
    json.end_object();
  }
  json.end_array();
}

void write_comparisons(JsonWriter& json, const Report& report) {
  if (report.comparisons.empty()) return;
  json.key("expected");
  json.begin_array();
  for (const Comparison& comparison : report.comparisons) {
    json.begin_object();
    json.key("name"), json.string(comparison.name);
    json.key("file"), json.string(comparison.file);
    if (comparison.mismatch.empty()) {
      json.key("difference"), json.number(comparison.difference);
    } else {
      json.key("mismatch"), json.string(comparison.mismatch);
    }
    json.key("tolerance"), json.number(comparison.tolerance);
    json.key("ok"), json.boolean(comparison.ok());
    json.end_object();
  }
  json.end_array();
}

void write_times(JsonWriter& json, const Report& report) {
  json.key("load_ms"), json.number(to_ms(report.start.load_ns));
  json.key("compile_ms"), json.number(to_ms(report.start.compile.total_ns));
  json.key("pack_ms"), json.number(to_ms(report.start.compile.pack_ns));
  json.key("reserve_ms"), json.number(to_ms(report.start.reserve_ns));
  json.key("ready_ms"), json.number(to_ms(report.start.ready_ns));
  json.key("first_run_ms"), json.number(to_ms(report.first_run_ns));
  if (report.run_ns.empty()) return;
  json.key("runs");
  json.begin_object();
  json.key("count"), json.integer(static_cast<std::int64_t>(report.run_ns.size()));
  json.key("warmup"), json.integer(report.warmup);
  json.key("timed"), json.string(kTimedWhat);
  json.key("min_us"), json.number(to_us(report.run_ns.front()));
  json.key("p50_us"), json.number(to_us(percentile(report.run_ns, 50)));
  json.key("p90_us"), json.number(to_us(percentile(report.run_ns, 90)));
  json.key("p99_us"), json.number(to_us(percentile(report.run_ns, 99)));
  json.end_object();
}

void write_profile(JsonWriter& json, const Report& report) {
  if (report.profile.empty()) return;
  json.key("profile");
  json.begin_array();
  for (const ProfiledStep& step : report.profile) {
    json.begin_object();
    json.key("kernel"), json.string(step.kernel);
    if (!step.where.empty()) json.key("origin"), json.string(step.where);
    json.key("calls"), json.integer(step.calls);
    json.key("total_us"), json.number(to_us(step.total_ns));
    json.key("tiles"), json.integer(step.work.tiles);
    json.key("threads"), json.integer(step.work.threads);
    json.key("flops"), json.integer(step.work.flops);
    json.key("bytes"), json.integer(step.work.bytes);
    json.key("at_best_us"), json.number(step.least_ns / 1e3);
    json.end_object();
  }
  json.end_array();
}

}  // namespace

std::int64_t percentile(const std::vector<std::int64_t>& sorted, int percent) {
  const std::size_t rank = (sorted.size() * static_cast<std::size_t>(percent) + 99) / 100;  // nearest rank, from 1
  return sorted[rank == 0 ? 0 : rank - 1];
}

std::string to_text(const Report& report) {
  std::string out;
  for (const InputReport& input : report.inputs) {
    out += concat("input ", input.name, ": ", input.type, "  <- ", input.source, "\n");
  }
  for (const OutputReport& output : report.outputs) append_output(out, output);
  for (const Comparison& comparison : report.comparisons) append_comparison(out, comparison);
  append(out, "arena: %lld bytes (lower bound %lld%s); process: at most %.1f MB resident; %s",
         static_cast<long long>(report.arena_bytes), static_cast<long long>(report.lower_bound_bytes),
         report.optimal ? ", optimal" : "", static_cast<double>(report.peak_resident_bytes) / 1e6,
         report.device == "cpu" ? "" : ("device " + report.device + "\n").c_str());
  if (report.device == "cpu")
    append(out, "level %s, %d thread%s\n", report.level.c_str(), report.threads, report.threads == 1 ? "" : "s");
  append_times(out, report);
  append_profile(out, report);
  return out;
}

std::string to_json(const Report& report) {
  JsonWriter json;
  json.begin_object();
  json.key("version"), json.string(INGOT_VERSION);
  json.key("model"), json.string(report.model);
  json.key("graph"), json.string(report.graph);
  json.key("device"), json.string(report.device);
  json.key("level"), json.string(report.level);
  json.key("threads"), json.integer(report.threads);
  json.key("arena_bytes"), json.integer(report.arena_bytes);
  json.key("lower_bound_bytes"), json.integer(report.lower_bound_bytes);
  json.key("optimal"), json.boolean(report.optimal);
  json.key("any_order_bound_bytes"), json.integer(report.any_order_bound_bytes);
  json.key("peak_resident_bytes"), json.integer(report.peak_resident_bytes);
  write_inputs(json, report);
  write_outputs(json, report);
  write_comparisons(json, report);
  write_times(json, report);
  write_profile(json, report);
  json.end_object();
  return json.text() + "\n";
}

}  // namespace ingot::tools
