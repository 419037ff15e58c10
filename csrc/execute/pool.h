// One thread pool per process. A region of work is n chunks; the caller and the workers claim chunks, own share first.
// Design and measurements: docs/decisions/threads.md.
// Thread rule: every function may be called from any thread, also from inside a chunk (then the region runs alone).
#pragma once

#include <cstdint>

namespace ingot {

inline constexpr int kMaxThreads = 1024;

// Must not throw: it may run on a worker.
using ChunkFunction = void (*)(void* context, std::int64_t begin, std::int64_t end, int thread);

// Whether a region wakes workers that sleep. A wake costs 12 to 31 us, a region without one is shared only among the
// workers that are still spinning.
enum class Wake : std::uint8_t { kNo, kYes };

// Runs function(context, begin, end, thread) over disjoint ranges that cover 0 .. num_chunks-1, on the caller and at
// most num_threads-1 workers; returns when all are done. thread: 0 for the caller, < num_threads. Allocates nothing
// once the pool has num_threads-1 workers. Regions of different callers run one after another with respect to workers;
// a caller that finds the workers busy works alone, as does one whose workers the system refuses.
void parallel_for(ChunkFunction function, void* context, std::int64_t num_chunks, int num_threads,
                  Wake wake = Wake::kYes);

// Makes sure that num_threads-1 workers exist. Throws DeviceError if the system refuses.
void reserve_threads(int num_threads);
// Wakes num_threads-1 workers ahead of a run whose estimated parallel work is worth it, and lets them spin longer
// between regions until end_run. Calls nest, also across threads.
void begin_run(int num_threads);
void end_run();

// Processors that this process may use.
int num_processors();

}  // namespace ingot
