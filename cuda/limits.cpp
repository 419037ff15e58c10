#include "cuda/limits.h"

#include <algorithm>

#include "cuda/status.h"
#include "cuda/stream.h"

namespace ingot::cuda {
namespace {

constexpr int kTries = 5;
constexpr std::int64_t kLeastNs = 200'000;                   // that a timing of repeated work takes
constexpr std::int64_t kLeastBytes = std::int64_t{1} << 16;  // of a block
constexpr std::int64_t kMemoryCaches = 4;                    // a block in memory is so many caches

// A stream and two events.
class Stopwatch {
 public:
  Stopwatch() = default;
  Stopwatch(const Stopwatch&) = delete;
  Stopwatch& operator=(const Stopwatch&) = delete;
  ~Stopwatch() {
    release_event(begin_);
    release_event(end_);
    close_stream(stream_);
  }
  DeviceStatus open(DeviceContext* context) {
    DeviceStatus status = open_stream(context, &stream_);
    if (status == kDeviceDone) status = make_event(context, &begin_);
    return status == kDeviceDone ? make_event(context, &end_) : status;
  }
  cudaStream_t stream() const { return stream_->stream; }

  // The least of some tries of what `enqueue(stream)` enqueues. At least 1.
  template <class Enqueue>
  DeviceStatus best_ns(const Enqueue& enqueue, std::int64_t* best) {
    for (int i = 0; i < kTries; ++i) {
      std::int64_t ns = 0;
      DeviceStatus status = record_event(stream_, begin_);
      if (status == kDeviceDone) status = status_of(enqueue(stream_->stream), "limits");
      if (status == kDeviceDone) status = record_event(stream_, end_);
      if (status == kDeviceDone) status = synchronize(stream_);
      if (status == kDeviceDone) status = elapsed_ns(begin_, end_, &ns);
      if (status != kDeviceDone) return status;
      *best = std::max<std::int64_t>(i == 0 ? ns : std::min(*best, ns), 1);
    }
    return kDeviceDone;
  }

  // The rate of `enqueue(stream, turns)`, which does `work` a turn: as many turns as take long enough to be timed.
  template <class Enqueue>
  DeviceStatus best_rate(double work, const Enqueue& enqueue, double* per_ns) {
    for (std::int64_t turns = 8;; turns *= 2) {
      std::int64_t ns = 0;
      const DeviceStatus status = best_ns([&](cudaStream_t stream) { return enqueue(stream, turns); }, &ns);
      if (status != kDeviceDone) return status;
      *per_ns = work * static_cast<double>(turns) / static_cast<double>(ns);
      if (ns >= kLeastNs) return kDeviceDone;
    }
  }

 private:
  DeviceStream* stream_ = nullptr;
  DeviceEvent *begin_ = nullptr, *end_ = nullptr;
};

// Two blocks of memory as large as is wanted, or as there is room for.
class Blocks {
 public:
  explicit Blocks(DeviceContext* context) : context_(context) {}
  Blocks(const Blocks&) = delete;
  Blocks& operator=(const Blocks&) = delete;
  ~Blocks() {
    if (both_ != nullptr) release(context_, both_);
  }
  DeviceStatus open(std::int64_t wanted) {
    DeviceStatus status = kDeviceDone;
    for (num_bytes_ = wanted; num_bytes_ >= kLeastBytes; num_bytes_ /= 2) {
      status = allocate(context_, 2 * num_bytes_, &both_);
      if (status != kDeviceOutOfMemory) return status;
    }
    return status;
  }
  char* to() const { return both_; }
  char* from() const { return both_ + num_bytes_; }
  std::int64_t num_bytes() const { return num_bytes_; }

 private:
  DeviceContext* context_;
  char* both_ = nullptr;
  std::int64_t num_bytes_ = 0;
};

// What is measured, with what.
struct Measurement {
  const DeviceProperties& device;
  std::int64_t cache_bytes;
  Stopwatch watch;
  Blocks blocks;
  DeviceLimits limits;
};

std::int64_t whole_pieces(std::int64_t num_bytes) {
  return num_bytes / 16 * 16;
}

DeviceStatus time_launches(Measurement& m) {
  std::int64_t ns = 0;
  const DeviceStatus status = m.watch.best_ns(enqueue_nothing, &ns);
  m.limits.launch_ns = static_cast<double>(ns);
  return status;
}

DeviceStatus time_products(Measurement& m) {
  const double flops = 2.0 * kProductsPerRound * static_cast<double>(wide_threads(m.device.num_processors));
  const auto enqueue = [&](cudaStream_t stream, std::int64_t rounds) {
    return enqueue_products(m.blocks.to(), m.device.num_processors, rounds, stream);
  };
  return m.watch.best_rate(flops, enqueue, &m.limits.flops_per_ns);
}

// A quarter of the cache, so that all of it stays there.
DeviceStatus time_cache(Measurement& m) {
  const std::int64_t num_bytes = std::min(std::max(whole_pieces(m.cache_bytes / 8), kLeastBytes), m.blocks.num_bytes());
  const auto enqueue = [&](cudaStream_t stream, std::int64_t turns) {
    return enqueue_copies(m.blocks.to(), m.blocks.from(), num_bytes, m.device.num_processors, turns, stream);
  };
  return m.watch.best_rate(2.0 * static_cast<double>(num_bytes), enqueue, &m.limits.cached_bytes_per_ns);
}

DeviceStatus time_memory(Measurement& m) {
  const auto num_bytes = static_cast<std::size_t>(m.blocks.num_bytes());
  std::int64_t ns = 0;
  const auto enqueue = [&](cudaStream_t stream) {
    return cudaMemcpyAsync(m.blocks.to(), m.blocks.from(), num_bytes, cudaMemcpyDeviceToDevice, stream);
  };
  const DeviceStatus status = m.watch.best_ns(enqueue, &ns);
  m.limits.memory_bytes_per_ns =
      2.0 * static_cast<double>(num_bytes) / static_cast<double>(std::max<std::int64_t>(ns, 1));
  return status;
}

}  // namespace

DeviceStatus measure_limits(DeviceContext* context, DeviceLimits* limits) {
  INGOT_CUDA_DEVICE(*context);
  int cache_bytes = 0;
  INGOT_CUDA_CHECK(cudaDeviceGetAttribute(&cache_bytes, cudaDevAttrL2CacheSize, context->properties.index), "limits");
  Measurement m = {context->properties, cache_bytes, {}, Blocks(context), {}};
  m.limits.cached_bytes = m.cache_bytes / 2;  // the rest for what else is read
  DeviceStatus status = m.watch.open(context);
  if (status == kDeviceDone) status = m.blocks.open(std::max(kMemoryCaches * m.cache_bytes, kLeastBytes));
  if (status != kDeviceDone) return status;
  const auto num_bytes = static_cast<std::size_t>(2 * m.blocks.num_bytes());
  INGOT_CUDA_CHECK(cudaMemsetAsync(m.blocks.to(), 0, num_bytes, m.watch.stream()), "limits");
  for (const auto measure : {time_launches, time_products, time_cache, time_memory}) {
    if (status = measure(m); status != kDeviceDone) return status;
  }
  *limits = m.limits;
  return kDeviceDone;
}

}  // namespace ingot::cuda
