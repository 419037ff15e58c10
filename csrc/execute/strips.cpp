// Runs a chain strip by strip. Rows are needed from the last step to the first, and computed from the first to the
// last; what a step computes for the next lies in scratch, as rows that follow each other.
#include "execute/strips.h"

#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "base/dtype.h"
#include "plan/plan.h"

namespace ingot {

WindowAttrs window_attrs(const OpRow& row) {
  WindowAttrs attrs;
  attrs.count = static_cast<std::int32_t>(row.attrs.size());
  for (std::int32_t i = 0; i < attrs.count; ++i) {
    const std::string_view name = row.attrs[static_cast<std::size_t>(i)].name;
    if (name == "stride") attrs.stride = i;
    if (name == "padding") attrs.padding = i;
    if (name == "kernel") attrs.kernel = i;
    if (name == "dilation") attrs.dilation = i;
  }
  return attrs;
}

namespace {

constexpr int kRowAxis = 2;
constexpr int kMostLinks = static_cast<int>(kMostChainSteps);

// Of the rows between two steps of a chain, together: half of the second-level cache, but no more than this.
std::int64_t strip_bytes() {
  constexpr std::int64_t kLeast = 256 * 1024, kMost = 1024 * 1024, kUnknown = 1024 * 1024;
#if defined(_SC_LEVEL2_CACHE_SIZE)
  static const std::int64_t cache = std::max<std::int64_t>(sysconf(_SC_LEVEL2_CACHE_SIZE), 0);
#else
  constexpr std::int64_t cache = 0;
#endif
  return std::clamp((cache > 0 ? cache : kUnknown) / 2, kLeast, kMost);
}

struct Rows {
  std::int64_t begin, end;
  std::int64_t count() const { return end - begin; }
};

std::int64_t element_bytes(const TensorArg& x) {
  return static_cast<std::int64_t>(size_bytes(static_cast<DType>(x.dtype)));
}

// How rows of a step's result come from rows of its first operand.
struct Window {
  std::int64_t stride, top, reach;  // reach: of a window, in rows
  std::int64_t height;              // of the operand

  explicit Window(const StripLink& link) {
    const KernelCall& call = *link.call;
    const auto first = [&](std::int32_t attr) { return call.attrs[call.attr_begin[attr]]; };
    const std::int64_t extent = link.attrs.kernel >= 0 ? first(link.attrs.kernel) : call.inputs[1].shape[kRowAxis];
    stride = first(link.attrs.stride);
    top = first(link.attrs.padding);
    reach = (extent - 1) * (link.attrs.dilation >= 0 ? first(link.attrs.dilation) : 1) + 1;
    height = call.inputs[0].shape[kRowAxis];
  }

  Rows needed(const Rows& rows) const {
    const std::int64_t begin = std::max<std::int64_t>(rows.begin * stride - top, 0);
    const std::int64_t end = std::min((rows.end - 1) * stride - top + reach, height);
    return {begin, std::max(begin, end)};
  }
};

// The call of a kernel for some rows of one image.
struct PartCall {
  KernelCall call;
  TensorArg output;
  TensorArg inputs[kMostChainInputs];
  std::int64_t attrs[kMostWindowNumbers];

  PartCall(const StripLink& link, std::int64_t image, const Rows& rows, const Rows& read) : call(*link.call) {
    const KernelCall& whole = *link.call;
    output = part(whole.outputs[0], image, rows);
    inputs[0] = part(whole.inputs[0], image, read);
    const int first = whole.group != nullptr ? whole.group->first_input : whole.num_inputs;
    for (int i = 1; i < whole.num_inputs; ++i) {
      inputs[i] = i < first ? whole.inputs[i] : part(whole.inputs[i], image, rows);
    }
    std::copy_n(whole.attrs, whole.attr_begin[link.attrs.count], attrs);
    const Window window(link);
    attrs[whole.attr_begin[link.attrs.padding]] = read.begin - (rows.begin * window.stride - window.top);
    call.outputs = &output;
    call.inputs = inputs;
    call.attrs = attrs;
    call.links = nullptr;
  }
  PartCall(const PartCall&) = delete;

  static TensorArg part(const TensorArg& x, std::int64_t image, const Rows& rows) {
    TensorArg out = x;
    out.data += (image * x.strides[0] + rows.begin * x.strides[kRowAxis]) * element_bytes(x);
    out.shape[0] = 1;
    out.shape[kRowAxis] = rows.count();
    return out;
  }
};

// The rows that lie between a step and the next one.
struct Between {
  char* data;
  std::int64_t row_bytes;
  Rows held;
};

std::int64_t num_images(const KernelCall* call) {
  return call->outputs[0].shape[0];
}

std::int64_t row_bytes(const TensorArg& x) {
  return x.strides[kRowAxis] * element_bytes(x);
}

// Of all channels, wherever they lie.
std::int64_t line_bytes(const TensorArg& x) {
  return x.shape[1] * x.shape[3] * element_bytes(x);
}

// The most rows of every result that `rows` rows of the last one need. Returns those of the chain's operand.
std::int64_t count_rows(const KernelCall* last, std::int64_t rows, std::int64_t (&most)[kMostLinks]) {
  for (int i = last->num_links - 1; i >= 0; --i) {
    most[i] = std::min(rows, last->links[i].call->outputs[0].shape[kRowAxis]);
    const Window window(last->links[i]);
    rows = (most[i] - 1) * window.stride + window.reach;
  }
  return std::min(rows, last->links[0].call->inputs[0].shape[kRowAxis]);
}

std::int64_t between_bytes(const KernelCall* last, const std::int64_t (&most)[kMostLinks]) {
  std::int64_t bytes = 0;
  for (int i = 0; i + 1 < last->num_links; ++i) {
    bytes += (most[i] * row_bytes(last->links[i].call->outputs[0]) + 63) / 64 * 64;
  }
  return bytes;
}

// Whether what lies between the steps for `rows` rows of the last result stays near, and with it the rows that the
// first step reads, which a later one may read again, and those that the last one writes.
bool fits(const KernelCall* last, std::int64_t rows) {
  std::int64_t most[kMostLinks];
  const std::int64_t read = count_rows(last, rows, most), between = between_bytes(last, most);
  const std::int64_t ends = read * line_bytes(last->links[0].call->inputs[0]) + rows * line_bytes(last->outputs[0]);
  return between <= strip_bytes() && between + ends <= 2 * strip_bytes();
}

// Rows of the last result that are computed at a time: as many as fit.
std::int64_t strip_rows(const KernelCall* last) {
  std::int64_t rows = 1;
  const std::int64_t all = last->outputs[0].shape[kRowAxis];
  for (std::int64_t step = all; step > 0; step /= 2) {
    while (rows + step <= all && fits(last, rows + step)) rows += step;
  }
  return rows;
}

class ChainRun {
 public:
  ChainRun(const KernelCall* last, char* scratch)
      : last_(*last), num_links_(last->num_links), at_once_(strip_rows(last)) {
    std::int64_t most[kMostLinks];
    count_rows(last, at_once_, most);
    for (int i = 0; i + 1 < num_links_; ++i) {
      between_[i] = {scratch, row_bytes(last->links[i].call->outputs[0]), {0, 0}};
      scratch += (most[i] * between_[i].row_bytes + 63) / 64 * 64;
    }
    scratch_ = scratch;
  }

  // Rows of the last result, of one image.
  void run(std::int64_t image, const Rows& rows) {
    for (int i = 0; i + 1 < num_links_; ++i) between_[i].held = {0, 0};
    const std::int64_t strips = (rows.count() + at_once_ - 1) / at_once_;
    for (std::int64_t i = 0; i < strips; ++i) {
      run_strip(image, {rows.begin + rows.count() * i / strips, rows.begin + rows.count() * (i + 1) / strips});
    }
  }

 private:
  void run_strip(std::int64_t image, const Rows& rows) {
    Rows made[kMostLinks], read[kMostLinks];
    made[num_links_ - 1] = rows;
    for (int i = num_links_ - 1; i >= 0; --i) {
      read[i] = Window(last_.links[i]).needed(made[i]);
      if (i > 0) made[i - 1] = keep(between_[i - 1], read[i]);
    }
    for (int i = 0; i < num_links_; ++i) {
      if (made[i].count() > 0) run_part(i, image, made[i], read[i]);
    }
  }

  // Makes room for the rows that are read next; returns those that are still to be computed.
  static Rows keep(Between& rows, const Rows& wanted) {
    const bool goes_on = rows.held.begin <= wanted.begin && wanted.begin < rows.held.end;
    const Rows kept =
        goes_on ? Rows{wanted.begin, std::min(rows.held.end, wanted.end)} : Rows{wanted.begin, wanted.begin};
    if (kept.count() > 0 && kept.begin > rows.held.begin) {
      std::memmove(rows.data, rows.data + (kept.begin - rows.held.begin) * rows.row_bytes,
                   static_cast<std::size_t>(kept.count() * rows.row_bytes));
    }
    rows.held = wanted;
    return {kept.end, wanted.end};
  }

  void run_part(int i, std::int64_t image, const Rows& made, const Rows& read) const {
    const StripLink& link = last_.links[i];
    PartCall part(link, image, made, read);
    if (i > 0) part.inputs[0].data = place(between_[i - 1], read);
    if (i + 1 < num_links_) part.output.data = place(between_[i], made);
    link.kernel->run(&part.call, 0, link.kernel->num_tiles(&part.call), scratch_);
  }

  static char* place(const Between& between, const Rows& rows) {
    return between.data + (rows.begin - between.held.begin) * between.row_bytes;
  }

  const KernelCall& last_;
  int num_links_;
  std::int64_t at_once_;
  Between between_[kMostLinks];
  char* scratch_;
};

std::int64_t num_lots(const KernelCall* call) {
  if (num_images(call) == 0 || call->outputs[0].shape[1] == 0 || call->outputs[0].shape[3] == 0) return 0;
  return num_images(call) * std::min<std::int64_t>(call->num_lots, call->outputs[0].shape[kRowAxis]);
}

// Monotone in the sizes: strips take no more than their share, or what one row needs.
std::int64_t chain_scratch_bytes(const KernelCall* call) {
  std::int64_t most[kMostLinks], all[kMostLinks], parts = 0;
  count_rows(call, 1, most);
  count_rows(call, call->outputs[0].shape[kRowAxis], all);
  for (int i = 0; i < call->num_links; ++i) {
    const StripLink& link = call->links[i];
    if (link.kernel->scratch_bytes != nullptr) parts = std::max(parts, link.kernel->scratch_bytes(link.call));
  }
  const std::int64_t rows = std::min(std::max(strip_bytes(), between_bytes(call, most)), between_bytes(call, all));
  return (rows + 63) / 64 * 64 + parts;
}

std::int64_t chain_cost_ns(const KernelCall* call) {
  std::int64_t sum = 0;
  for (int i = 0; i < call->num_links; ++i) sum += call->links[i].kernel->cost_ns(call->links[i].call);
  return sum;
}

void run_chain(const KernelCall* call, std::int64_t begin, std::int64_t end, char* scratch) {
  ChainRun chain(call, scratch);
  const std::int64_t lots = num_lots(call) / num_images(call), rows = call->outputs[0].shape[kRowAxis];
  while (begin < end) {  // lots of one image follow each other
    const std::int64_t image = begin / lots, last = std::min(end, (image + 1) * lots);
    chain.run(image, {rows * (begin % lots) / lots, rows * (last - image * lots) / lots});
    begin = last;
  }
}

}  // namespace

const Kernel strip_kernel = {.op = "strips",
                             .dtype = -1,
                             .num_tiles = num_lots,
                             .scratch_bytes = chain_scratch_bytes,
                             .cost_ns = chain_cost_ns,
                             .run = run_chain};

}  // namespace ingot
