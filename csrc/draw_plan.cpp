// The memory plan as a picture (SVG): steps from left to right, offsets from the bottom up, one rectangle for each
// buffer; behind them, in grey, the bytes alive at each step, which no placement of this order can undercut.
#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <string>
#include <vector>

#include "base/error.h"
#include "explain.h"

namespace ingot {
namespace {

constexpr double kWidth = 1000, kHeight = 500, kMargin = 40;

class Drawing {
 public:
  explicit Drawing(const Plan& plan)
      : plan_(plan),
        step_(kWidth / static_cast<double>(std::max<std::size_t>(plan.steps.size(), 1))),
        byte_(kHeight / static_cast<double>(std::max<std::int64_t>(plan.arena_bytes, 1))) {}

  std::string run() {
    append(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %.0f\" font-family=\"sans-serif\" "
        "font-size=\"11\">\n",
        kWidth + 2 * kMargin, kHeight + 2 * kMargin);
    draw_alive();
    for (std::size_t i = 0; i < plan_.buffers.size(); ++i) draw_buffer(i);
    const double bound = top(plan_.lower_bound_bytes);
    append("<path d=\"M%.1f %.1fH%.1f\" stroke=\"#c00\" stroke-dasharray=\"4\"/>\n", kMargin, bound, kMargin + kWidth);
    append("<text x=\"%.0f\" y=\"%.0f\">%zu steps; arena %lld bytes, lower bound %lld (dashed), %s</text>\n", kMargin,
           kMargin - 12, plan_.steps.size(), static_cast<long long>(plan_.arena_bytes),
           static_cast<long long>(plan_.lower_bound_bytes), plan_.optimal ? "optimal" : "not proved optimal");
    return text_ + "</svg>\n";
  }

 private:
  [[gnu::format(printf, 2, 3)]] void append(const char* format, ...) {
    char line[512];
    va_list arguments;
    va_start(arguments, format);
    std::vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    text_ += line;
  }

  double left(std::size_t step) const { return kMargin + step_ * static_cast<double>(step); }
  double top(std::int64_t bytes) const { return kMargin + kHeight - byte_ * static_cast<double>(bytes); }

  void draw_alive() {
    std::vector<std::int64_t> change(plan_.steps.size() + 1, 0);
    for (const Buffer& buffer : plan_.buffers) {
      change[buffer.first_step] += buffer.max_bytes;
      change[buffer.last_step + 1] -= buffer.max_bytes;
    }
    append("<path fill=\"#ddd\" d=\"M%.1f %.1f", kMargin, top(0));
    std::int64_t alive = 0;
    for (std::size_t i = 0; i < plan_.steps.size(); ++i) {
      alive += change[i];
      append("V%.1fH%.1f", top(alive), left(i + 1));
    }
    append("V%.1fZ\"/>\n", top(0));
  }

  // Neighbouring buffers differ in color.
  void draw_buffer(std::size_t i) {
    const Buffer& buffer = plan_.buffers[i];
    if (buffer.max_bytes == 0) return;
    append(
        "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"hsl(%zu,60%%,65%%)\" fill-opacity=\"0.8\" "
        "stroke=\"#333\" stroke-width=\"0.5\"><title>buffer %zu: %lld bytes at %lld, steps %u to %u</title></rect>\n",
        left(buffer.first_step), top(buffer.offset + buffer.max_bytes),
        step_ * static_cast<double>(buffer.last_step + 1 - buffer.first_step),
        byte_ * static_cast<double>(buffer.max_bytes), i * 137 % 360, i, static_cast<long long>(buffer.max_bytes),
        static_cast<long long>(buffer.offset), buffer.first_step, buffer.last_step);
  }

  const Plan& plan_;
  double step_, byte_;  // pixels of one
  std::string text_;
};

}  // namespace

std::string draw_plan(const Plan& plan) {
  return Drawing(plan).run();
}

}  // namespace ingot
