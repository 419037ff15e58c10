// Captured runs and addresses: what is walked, captured, patched and replayed on the fake device.
#include <doctest/doctest.h>

#include <string>

#include "device/device.h"
#include "device_test.h"
#include "text_modules.h"

using namespace ingot;
using namespace ingot::testing;

namespace {

const std::string kExp = kHead + "graph g(x: f32[4]) {\n  %0 = exp(x) : f32[4]\n  return %0\n}\n";

// A product whose carry swaps two buffers an odd number of times, between steps that touch arrays of the caller.
const std::string kSwapping = kHead + R"(graph g(x: f32[3,3], w: f32[3,3]) {
  %0 = exp(x) : f32[3,3]
  %1, %2 = scan(%0, x, carries=1, length=3) : f32[3,3], f32[3,3] {
    body(%3: f32[3,3], %4: i64[], %5: f32[3]) {
      %6 = matmul(%3, w) : f32[3,3]
      %7 = sum(%6, axes=[0]) : f32[3]
      %8 = add(%7, %5) : f32[3]
      return %6, %8
    }
  }
  %9 = matmul(%1, w) : f32[3,3]
  %10 = subtract(%9, x) : f32[3,3]
  return %10, %2
}
)";

// Calls whose arrays lie where the test wants them on the device.
class Placed {
 public:
  Placed(const std::string& text, std::vector<Array> inputs)
      : program_(on_device(text)), session_(program_->new_session()), inputs_(std::move(inputs)) {
    const auto processor = Program::compile(parse_for_run(text))->new_session();
    expected_ = testing::run(*processor, 0, inputs_);
    memory_ = DeviceMemory(program_->device(), 1 << 16);
  }

  // Per array, inputs first: at which multiple of 512 bytes, and how far behind it.
  void run(const std::vector<std::int64_t>& places, std::int64_t shift = 0) {
    std::vector<Array> outputs = expected_;
    std::vector<ArrayRef> in = refs(inputs_), out = refs(outputs);
    std::size_t next = 0;
    for (std::vector<ArrayRef>* list : {&in, &out}) {
      for (ArrayRef& array : *list) {
        array.device = 0;
        array.data = memory_.data() + 512 * places[next++] + shift;
      }
    }
    for (std::size_t i = 0; i < in.size(); ++i)
      program_->device()->upload(static_cast<char*>(in[i].data), inputs_[i].bytes.data(), size(inputs_[i]));
    session_->run(0, in, out);
    for (std::size_t i = 0; i < out.size(); ++i)
      program_->device()->download(outputs[i].bytes.data(), static_cast<char*>(out[i].data), size(outputs[i]));
    check_equal(outputs, expected_);
  }

  void run_on_host() { check_equal(testing::run(*session_, 0, inputs_), expected_); }

 private:
  static std::int64_t size(const Array& array) { return static_cast<std::int64_t>(array.bytes.size()); }

  std::shared_ptr<Program> program_;
  std::shared_ptr<Session> session_;
  std::vector<Array> inputs_, expected_;
  DeviceMemory memory_;
};

Placed exp_of_four() {
  return Placed(kExp, {Array::of<float>({4}, {1, 2, 3, 4})});
}

Placed swapping() {
  return Placed(kSwapping, {Array::of<float>({3, 3}, {0.5f, -1, 2, 0.25f}), Array::of<float>({3, 3}, {0.1f, -0.7f})});
}

}  // namespace

TEST_CASE("addresses that were never seen patch a graph, from the third run on") {
  Placed placed = exp_of_four();
  const fake::Counts before = counts();
  for (std::int64_t i = 0; i < 12; ++i) placed.run({2 * i, 2 * i + 1}, 4 * i);
  CHECK(counts().captures == before.captures + 1);
  CHECK(counts().patches == before.patches + 10);
  CHECK(counts().replays == before.replays + 11);
  CHECK(counts().graphs == before.graphs + 1);
}

TEST_CASE("callers that take turns keep a graph each") {
  Placed placed = exp_of_four();
  const fake::Counts before = counts();
  for (int round = 0; round < 2; ++round)
    for (std::int64_t caller = 0; caller < 4; ++caller) placed.run({2 * caller, 2 * caller + 1});
  const fake::Counts settled = counts();
  CHECK(settled.captures <= before.captures + 4);
  for (int round = 0; round < 3; ++round)
    for (std::int64_t caller = 0; caller < 4; ++caller) placed.run({2 * caller, 2 * caller + 1});
  CHECK(counts().captures == settled.captures);
  CHECK(counts().patches == settled.patches);
  CHECK(counts().replays == settled.replays + 12);
  for (std::int64_t i = 10; i < 30; ++i) placed.run({2 * i, 2 * i + 1});  // others take their places
  CHECK(counts().captures == settled.captures);
  CHECK(counts().graphs == before.graphs + 4);
}

TEST_CASE("a patch enqueues the steps that touch what moves, and no other") {
  Placed placed = swapping();
  placed.run({0, 1, 2, 3});
  placed.run({4, 1, 5, 3});
  const fake::Counts before = counts();
  for (std::int64_t i = 6; i < 16; i += 2) placed.run({i, 1, i + 1, 3});
  CHECK(counts().patches == before.patches + 5);
  CHECK(counts().captures == before.captures);
  const std::int64_t launches = (counts().launches - before.launches) / 5;
  CHECK(counts().patched_launches == before.patched_launches + 5 * 5);  // exp, subtract, three sums
  CHECK(launches > 2 * 5);
  placed.run({2, 20, 4, 3});  // w had not moved so far
  CHECK(counts().captures == before.captures + 1);
  placed.run({2, 21, 4, 3});
  CHECK(counts().captures == before.captures + 1);
  CHECK(counts().patches == before.patches + 6);
}

TEST_CASE("a graph that refuses a patch is captured anew") {
  Placed placed = swapping();
  const fake::Counts before = counts();
  {
    const Setting refuses("FAKE_DEVICE_REFUSES", "1");
    for (std::int64_t i = 0; i < 6; ++i) placed.run({4 * i, 4 * i + 1, 4 * i + 2, 4 * i + 3});
    CHECK(counts().patches == before.patches);
    CHECK(counts().captures == before.captures + 5);
  }
  for (std::int64_t i = 6; i < 9; ++i) placed.run({4 * i, 4 * i + 1, 4 * i + 2, 4 * i + 3});
  CHECK(counts().patches == before.patches + 3);
  CHECK(counts().captures == before.captures + 5);
}

TEST_CASE("arrays of the host and of the device in turns are runs of different graphs") {
  Placed placed = swapping();
  for (std::int64_t i = 0; i < 8; ++i) {
    placed.run({4 * i, 4 * i + 1, 4 * i + 2, 4 * i + 3});
    placed.run_on_host();
  }
}
