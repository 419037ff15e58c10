// One table of options: what each is called, whether it takes a value, what it sets.
#include "tools/arguments.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>
#include <string_view>

#include "base/error.h"
#include "device/device.h"

namespace ingot::tools {

namespace {

[[noreturn]] void wrong(const std::string& message) {
  throw Failure(kWrongUsage, message + " (see --help)");
}

std::int64_t to_number(std::string_view option, std::string_view text, std::int64_t lo) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < lo) {
    wrong(concat(option, ": got '", text, "', expected a whole number >= ", lo));
  }
  return value;
}

double to_tolerance(std::string_view option, std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value) || value < 0) {
    wrong(concat(option, ": got '", text, "', expected a number >= 0"));
  }
  return value;
}

// "x=x.npy". A name may hold '=' only if it is a tensor's strange name: the first '=' divides.
NameAndText to_pair(std::string_view option, std::string_view text, std::string_view form) {
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos || equals == 0 || equals + 1 == text.size()) {
    wrong(concat(option, ": got '", text, "', expected ", form));
  }
  return {std::string(text.substr(0, equals)), std::string(text.substr(equals + 1))};
}

void add_pair(std::vector<NameAndText>& pairs, std::string_view option, std::string_view text, std::string_view form) {
  NameAndText pair = to_pair(option, text, form);
  for (const NameAndText& known : pairs) {
    if (known.name == pair.name) wrong(concat(option, ": '", pair.name, "' is given twice"));
  }
  pairs.push_back(std::move(pair));
}

void set_action(Arguments& arguments, Action action) {
  if (arguments.action != Action::kRun && arguments.action != action) {
    wrong("--print, --pack, --verify, --help, --version and --cpu exclude each other");
  }
  arguments.action = action;
}

using SetFlag = void (*)(Arguments&);
using SetValue = void (*)(Arguments&, std::string_view option, std::string_view text);

struct Option {
  std::string_view name;
  SetFlag flag;    // of an option without a value
  SetValue value;  // of an option with one
  bool repeats = false;
};

constexpr std::string_view kInputForm = "NAME=FILE.npy, NAME=FILE.safetensors, NAME=rand or NAME=zeros";

void set_dim(Arguments& a, std::string_view option, std::string_view text) {
  const NameAndText pair = to_pair(option, text, "NAME=SIZE");
  if (!a.dims.emplace(pair.name, to_number(option, pair.text, 0)).second) {
    wrong(concat(option, ": '", pair.name, "' is given twice"));
  }
}

void set_device(Arguments& a, std::string_view option, std::string_view text) {
  try {
    parse_device(text);
  } catch (const Error&) {
    wrong(concat(option, ": got '", text, "', expected cpu, cuda or cuda:N"));
  }
  a.device = text;
}

// Which names there are, the program knows.
void set_fast(Arguments& a, std::string_view, std::string_view text) {
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    a.fast.emplace_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
}

void set_print(Arguments& a, std::string_view option, std::string_view text) {
  if (text == "graph") {
    set_action(a, Action::kPrintGraph);
  } else if (text == "optimized") {
    set_action(a, Action::kPrintOptimized);
  } else if (text == "plan") {
    set_action(a, Action::kPrintPlan);
  } else if (text == "plan-svg") {
    set_action(a, Action::kDrawPlan);
  } else {
    wrong(concat(option, ": got '", text, "', expected graph, optimized, plan or plan-svg"));
  }
}

void set_pack(Arguments& a, std::string_view option, std::string_view text) {
  if (text.empty()) wrong(concat(option, ": the path is empty"));
  set_action(a, Action::kPack);
  a.packed = text;
}

void set_threads(Arguments& a, std::string_view option, std::string_view text) {
  const std::int64_t count = to_number(option, text, 1);
  if (count > 1024) wrong(concat(option, ": got ", count, ", expected at most 1024"));
  a.threads = static_cast<int>(count);
}

void set_repeat(Arguments& a, std::string_view option, std::string_view text) {
  a.repeat = to_number(option, text, 1);
  if (a.repeat > 100'000'000) wrong(concat(option, ": got ", a.repeat, ", expected at most 100000000"));
}

// clang-format off
constexpr Option kOptions[] = {
    {"--help", [](Arguments& a) { set_action(a, Action::kHelp); }, nullptr},
    {"--version", [](Arguments& a) { set_action(a, Action::kVersion); }, nullptr},
    {"--cpu", [](Arguments& a) { set_action(a, Action::kProcessor); }, nullptr},
    {"--verify", [](Arguments& a) { set_action(a, Action::kVerify); }, nullptr},
    {"--profile", [](Arguments& a) { a.profile = true; }, nullptr},
    {"--json", [](Arguments& a) { a.json = true; }, nullptr},
    {"--print", nullptr, &set_print},
    {"--pack", nullptr, &set_pack},
    {"--graph", nullptr, [](Arguments& a, std::string_view, std::string_view t) { a.graph = t; }},
    {"--input", nullptr, [](Arguments& a, std::string_view o, std::string_view t) { add_pair(a.inputs, o, t, kInputForm); }, true},
    {"--output", nullptr, [](Arguments& a, std::string_view o, std::string_view t) { add_pair(a.outputs, o, t, "NAME=FILE.npy"); }, true},
    {"--expect", nullptr, [](Arguments& a, std::string_view o, std::string_view t) { add_pair(a.expected, o, t, "NAME=FILE.npy"); }, true},
    {"--tolerance", nullptr, [](Arguments& a, std::string_view o, std::string_view t) { a.tolerance = to_tolerance(o, t); }},
    {"--dim", nullptr, &set_dim, true},
    {"--repeat", nullptr, &set_repeat},
    {"--warmup", nullptr, [](Arguments& a, std::string_view o, std::string_view t) { a.warmup = to_number(o, t, 0); }},
    {"--threads", nullptr, &set_threads},
    {"--device", nullptr, &set_device},
    {"--fast", nullptr, &set_fast},
    {"--level", nullptr, [](Arguments& a, std::string_view, std::string_view t) { a.level = t; }},
    {"--no-pass", nullptr, [](Arguments& a, std::string_view, std::string_view t) { a.disabled_passes.emplace_back(t); }, true},
    {"--seed", nullptr, [](Arguments& a, std::string_view o, std::string_view t) { a.seed = static_cast<std::uint64_t>(to_number(o, t, 0)); }},
    {"--max-memory", nullptr, [](Arguments& a, std::string_view o, std::string_view t) { a.max_memory_bytes = to_number(o, t, 1); }},
    {"--max-steps", nullptr, [](Arguments& a, std::string_view o, std::string_view t) { a.max_steps = to_number(o, t, 1); }},
};
// clang-format on

const Option& find_option(std::string_view name) {
  for (const Option& option : kOptions) {
    if (option.name == name) return option;
  }
  wrong(concat("unknown option '", name, "'"));
}

void check_model(const Arguments& a) {
  const bool needs_model = a.action != Action::kHelp && a.action != Action::kVersion && a.action != Action::kProcessor;
  if (needs_model && a.model.empty()) wrong("no model is given: expected ingot-run MODEL [options]");
  if (a.model == "-" && a.action != Action::kVerify) wrong("'-' stands for paths on standard input: for --verify only");
}

}  // namespace

Arguments parse_arguments(int argc, const char* const* argv) {
  Arguments arguments;
  std::set<std::string_view> seen;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "-" || word.substr(0, 2) != "--") {
      if (word.size() > 1 && word[0] == '-') wrong(concat("unknown option '", word, "'"));
      if (!arguments.model.empty()) wrong(concat("got two models, '", arguments.model, "' and '", word, "'"));
      if (word.empty()) wrong("the model's path is empty");
      arguments.model = word;
      continue;
    }
    const std::size_t equals = word.find('=');
    const Option& option = find_option(word.substr(0, equals));
    if (!seen.insert(option.name).second && !option.repeats) wrong(concat(option.name, " is given twice"));
    if (option.flag != nullptr) {
      if (equals != std::string_view::npos) wrong(concat(option.name, ": takes no value"));
      option.flag(arguments);
    } else if (equals != std::string_view::npos) {
      option.value(arguments, option.name, word.substr(equals + 1));
    } else {
      if (++i == argc) wrong(concat(option.name, ": needs a value"));
      option.value(arguments, option.name, argv[i]);
    }
  }
  check_model(arguments);
  return arguments;
}

const char* help_text() {
  return R"(Runs a .ingot file: a static graph with its weights. No Python is involved.

usage: ingot-run MODEL [options]

What goes in and out
  --input NAME=SOURCE    an input: FILE.npy, FILE.safetensors (the tensor of that name, or the only one), rand or zeros;
                         rand is uniform in [-1, 1) for floats, 0 to 9 for integers, and the same at every call
                         a bfloat16 in FILE.npy is two raw bytes, V2, as NumPy writes it
  --output NAME=FILE.npy writes an output; one without a name goes by its position: 0, 1, ...
  --dim NAME=SIZE        a size that inputs of rand or zeros need, as in --dim batch=8
  --seed N               of rand; default 0
  --graph NAME           which graph, where the file holds several
  --expect NAME=FILE.npy compares an output with a file: exit code 1 if an element differs by more than --tolerance
  --tolerance T          largest absolute difference; default 0: equal

How it runs
  --threads N            default: every processor this process may use
  --device NAME          cpu, cuda or cuda:N; results are the same on every device
  --fast NAME[,NAME]     lets a device compute other bits: free_order (products by cuBLASLt), tf32 (of float32 as well)
  --level NAME           instruction-set level, see --cpu; results are the same at every level
  --no-pass NAME         leaves out an optimization; results are the same without it
  --max-memory BYTES     for temporaries and states; default 3/4 of the machine's memory
  --max-steps N          stops a run that takes more steps (a loop that does not end)

What it tells
  always: how long the file took to load, the program to compile (of it, laying the weights anew), its memory and
                         threads to be there, the process until then, the first run
  --repeat N             times N further runs and prints min, p50, p90, p99
  --warmup N             runs that are not timed before those; default 0 (the first run is never timed)
  --profile              time of every step, and the time that the machine at its best would need
  --json                 one JSON object on standard output instead of text
  --print WHAT           graph (as in the file); optimized, with what is fused, what that saves, what was kept apart;
                         plan, or plan-svg, a picture of its memory (with --dim: for these sizes); runs nothing
  --pack FILE.ingot      writes the model with its weights laid as the kernels read them, runs nothing: such a file is
                         mapped and used where it lies, its pages shared by processes; results are the same
  --verify               checks the file completely, runs nothing; prints "ok"
  --verify -             reads paths from standard input, answers each with one line, "ok" or "error: ..."
  --cpu                  the instruction-set levels of this processor
  --version, --help

Exit codes: 0 done, 1 a check of results failed (--expect, or an abort or index check of the model),
            2 wrong usage, 3 invalid file, 4 cannot run here. Errors are one line on standard error.

example: ingot-run digits.ingot --input x=rand --dim batch=8 --repeat 100
)";
}

}  // namespace ingot::tools
