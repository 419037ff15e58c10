// The file: what is written is read back, old files load for ever, malformed files and mutants give one clear error,
// and saving never leaves half a file.
#include <doctest/doctest.h>
#include <sys/stat.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>

#include "file/container.h"
#include "file/file.h"
#include "file/format.h"
#include "graph/budgets.h"
#include "temporary_folder.h"
#include "text_modules.h"

using namespace ingot;
using namespace ingot::testing;

namespace {

namespace fs = std::filesystem;

const fs::path kData = INGOT_TEST_DATA;

std::size_t num_files(const TemporaryFolder& folder) {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()));
}

std::vector<std::byte> bytes_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const std::span<const std::byte> bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

void write_bytes(const std::string& path, std::span<const std::byte> bytes) {
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

Module sample() {
  Module module = verified(kSample);
  module.metadata = {{"author", "tests"}, {"licence", "Apache-2.0"}};
  return module;
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

// Same text, metadata and bytes of every tensor.
void check_equal(const Module& a, const Module& b) {
  CHECK(print_module(a) == print_module(b));
  CHECK(a.metadata == b.metadata);
  const auto same = [](const TensorData& x, const TensorData& y) {
    return x.size_bytes == y.size_bytes && (x.size_bytes == 0 || std::memcmp(x.data, y.data, x.size_bytes) == 0);
  };
  for (std::size_t i = 0; i < a.params.size(); ++i) CHECK(same(a.params[i].data, b.params[i].data));
  for (std::size_t i = 0; i < a.states.size(); ++i) CHECK(same(a.states[i].init, b.states[i].init));
}

std::string load_error(std::span<const std::byte> bytes) {
  return error_of([&] { load_module(bytes); });
}

struct Expected {
  std::string file, error, words;
};

std::vector<Expected> expected_errors() {
  std::vector<Expected> list;
  std::ifstream file(kData / "bad" / "expected.txt");
  std::string line;
  while (std::getline(file, line)) {
    const std::size_t first = line.find('\t'), second = line.find('\t', first + 1);
    list.push_back({line.substr(0, first), line.substr(first + 1, second - first - 1), line.substr(second + 1)});
  }
  return list;
}

}  // namespace

TEST_CASE("a module is read back as it was written") {
  const Module module = sample();
  const std::vector<std::byte> bytes = write_module(module);
  check_equal(load_module(bytes), module);
  const TemporaryFolder folder;
  save_module(module, folder / "a.ingot");
  CHECK(bytes_of(folder / "a.ingot") == bytes);
  check_equal(load_module(folder / "a.ingot"), module);
  check_equal(load_module(folder / "a.ingot", {.copy = true}), module);
}

TEST_CASE("the same module gives the same bytes, and so does what was read") {
  const std::vector<std::byte> bytes = write_module(sample());
  CHECK(write_module(sample()) == bytes);
  CHECK(write_module(load_module(bytes)) == bytes);
}

TEST_CASE("every tensor begins at a multiple of 64, multiples of 64 first") {
  const std::vector<std::byte> bytes = write_module(sample());
  const Container container = read_container(bytes);
  CHECK(container.data_begin % kTensorAlignment == 0);
  bool seen_odd = false;
  for (const TensorEntry& entry : container.entries) {
    if (entry.name.starts_with(kPadPrefix)) continue;
    CHECK(entry.begin % kTensorAlignment == 0);
    const bool is_odd = (entry.end - entry.begin) % kTensorAlignment != 0;
    CHECK((is_odd || !seen_odd));
    seen_odd = seen_odd || is_odd;
  }
  CHECK(seen_odd);
  CHECK(bytes.size() % kTensorAlignment == 0);
}

TEST_CASE("loading maps the payload and keeps it while any tensor lives") {
  const TemporaryFolder folder;
  save_module(sample(), folder / "a.ingot");
  TensorData data;
  {
    const Module module = load_module(folder / "a.ingot");
    CHECK(module.params[0].data.owner == module.params[1].data.owner);
    data = module.params[0].data;
  }
  fs::remove(folder / "a.ingot");
  CHECK(std::memcmp(data.data, repeating_data(data.size_bytes).data, data.size_bytes) == 0);
  CHECK(reinterpret_cast<std::uintptr_t>(data.data) % kTensorAlignment == 0);
}

TEST_CASE("old files load, print the same and are written back byte for byte") {
  std::size_t count = 0;
  for (const fs::directory_entry& entry : fs::directory_iterator(kData / "golden" / "v1")) {
    if (entry.path().extension() != ".ingot") continue;
    ++count;
    CAPTURE(entry.path().string());
    const Module module = load_module(entry.path().string());
    CHECK(module.metadata.at("licence") == "Apache-2.0");
    CHECK(print_module(parse_module(print_module(module)).module) == print_module(module));
    CHECK(write_module(module) == bytes_of(entry.path()));
    for (const Param& param : module.params) {
      const std::size_t size = param.data.size_bytes;
      if (size > 0) CHECK(std::memcmp(param.data.data, repeating_data(size).data, size) == 0);
    }
  }
  CHECK(count >= 3);
}

TEST_CASE("every bad file gives its error") {
  const std::vector<Expected> list = expected_errors();
  CHECK(list.size() > 100);
  for (const Expected& expected : list) {
    CAPTURE(expected.file);
    const std::string path = (kData / "bad" / expected.file).string();
    const std::string error = error_of([&] { load_module(path); });
    CHECK_MESSAGE(error.starts_with(expected.error + ": "), error);
    CHECK_MESSAGE(contains(error, expected.words), error);
    CHECK_MESSAGE(error.size() < 600, error);
    CHECK_MESSAGE(error.find('\n') == std::string::npos, error);
    CHECK(error_of([&] { load_module(path, {.copy = true}); }) == error);
    CHECK(load_error(bytes_of(path)) == error);
  }
}

TEST_CASE("paths that hold no file are clear errors") {
  const TemporaryFolder folder;
  CHECK(contains(error_of([&] { load_module(folder / "none"); }), "DeviceError: file: cannot open"));
  CHECK(contains(error_of([&] { load_module(folder / "."); }), "is a folder"));
  REQUIRE(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
  CHECK(contains(error_of([&] { load_module(folder / "pipe"); }), "FileError: file: "));
  write_bytes(folder / "empty", {});
  CHECK(contains(error_of([&] { load_module(folder / "empty"); }), "too short: got 0 bytes"));
  CHECK(contains(error_of([&] { load_module(folder / "empty", {.copy = true}); }), "too short: got 0 bytes"));
}

TEST_CASE("a failed save leaves the old file and no new one") {
  const TemporaryFolder folder;
  save_module(sample(), folder / "a.ingot");
  const std::vector<std::byte> before = bytes_of(folder / "a.ingot");
  Module broken = sample();
  broken.params[0].data.size_bytes = 1;
  CHECK(contains(error_of([&] { save_module(broken, folder / "a.ingot"); }), "FileError"));
  CHECK(bytes_of(folder / "a.ingot") == before);
  CHECK(contains(error_of([&] { save_module(sample(), folder / "no/such/folder"); }),
                 "DeviceError: file: cannot create"));
  fs::create_directory(folder / "taken");
  CHECK(contains(error_of([&] { save_module(sample(), folder / "taken"); }), "DeviceError: file: cannot save as"));
  CHECK(num_files(folder) == 2);
}

TEST_CASE("saving over a file that is mapped keeps the mapping whole") {
  const TemporaryFolder folder;
  save_module(sample(), folder / "a.ingot");
  const Module mapped = load_module(folder / "a.ingot");
  Module other = sample();
  other.metadata["author"] = std::string(5000, 'x');
  save_module(other, folder / "a.ingot");
  check_equal(mapped, sample());
  save_module(mapped, folder / "a.ingot");
  check_equal(load_module(folder / "a.ingot"), sample());
}

TEST_CASE("a dtype that the format lacks cannot be written") {
  Module module = verified("ingot 1\nnumerics 1\nparam p: c128[2]\ngraph g() {\n  return p\n}\n");
  CHECK(contains(error_of([&] { write_module(module); }), "FileError: file: param 'p': the format has no dtype c128"));
}

TEST_CASE("a text over the budget is refused before it is parsed") {
  const std::string text(kMaxTextBytes + 1, ' ');
  const std::string header = write_header({{std::string(kModuleKey), text}}, {});
  CHECK(contains(load_error(std::as_bytes(std::span(header))), "LimitError: file: byte "));
}

TEST_CASE("mutants of a valid file only ever throw errors of one short line") {
  std::vector<std::vector<std::byte>> seeds = {write_module(sample())};
  for (const char* name : {"control", "ops", "dtypes"}) {
    seeds.push_back(bytes_of(kData / "golden" / "v1" / (std::string(name) + ".ingot")));
  }
  std::mt19937 random(7);
  const auto below = [&](std::size_t bound) { return static_cast<std::size_t>(random() % bound); };
  static constexpr std::string_view kTokens[] = {"%0",
                                                 "%99",
                                                 "f32",
                                                 "[",
                                                 "]",
                                                 "{",
                                                 "}",
                                                 "(",
                                                 ")",
                                                 ",",
                                                 "\\n",
                                                 "-1",
                                                 "9223372036854775807",
                                                 "18446744073709551616",
                                                 "return ",
                                                 "1e999",
                                                 "floordiv(",
                                                 "\\\"",
                                                 "\"",
                                                 "bool",
                                                 ":",
                                                 "64",
                                                 "n*n*n",
                                                 "scan",
                                                 "i64"};
  std::size_t accepted = 0;
  for (int k = 0; k < 20000; ++k) {
    std::vector<std::byte> mutant = seeds[below(seeds.size())];
    const std::size_t header = std::min<std::size_t>(mutant.size(), read_container(mutant).data_begin);
    for (std::size_t edits = 1 + below(4); edits > 0; --edits) {
      const std::size_t at = below(10) == 0 ? below(mutant.size()) : kLengthBytes + below(header - kLengthBytes);
      switch (below(4)) {
        case 0:
          mutant[at] ^= static_cast<std::byte>(1u << below(8));
          break;
        case 1: {  // a token over what is there
          const std::string_view token = kTokens[below(std::size(kTokens))];
          for (std::size_t i = 0; i < token.size() && at + i < mutant.size(); ++i) {
            mutant[at + i] = static_cast<std::byte>(token[i]);
          }
          break;
        }
        case 2: {  // a piece of the header over another
          const std::size_t from = kLengthBytes + below(header - kLengthBytes);
          const std::size_t length = std::min({below(40), header - from, mutant.size() - at});
          std::memmove(mutant.data() + at, mutant.data() + from, length);
          break;
        }
        default: {  // a token inserted, the header's length kept true
          const std::string_view token = kTokens[below(std::size(kTokens))];
          const std::span<const std::byte> bytes = std::as_bytes(std::span(token));
          if (at >= header) break;
          mutant.insert(mutant.begin() + static_cast<std::ptrdiff_t>(at), bytes.begin(), bytes.end());
          std::uint64_t size = 0;
          std::memcpy(&size, mutant.data(), sizeof size);
          size += bytes.size();
          std::memcpy(mutant.data(), &size, sizeof size);
        }
      }
    }
    if (below(20) == 0) mutant.resize(below(mutant.size()));
    const std::string error = load_error(mutant);  // anything but ingot::Error ends the test
    accepted += error.empty() ? 1 : 0;
    CHECK_MESSAGE(error.size() < 600, error);
    CHECK_MESSAGE(error.find('\n') == std::string::npos, error);
    CHECK_MESSAGE(!error.starts_with("InternalError"), error);
  }
  CHECK(accepted < 19000);
}
