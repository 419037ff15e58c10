// One thread pool per process. A region of work is n chunks; the caller and the workers claim chunks, own share first.
// Design and measurements: docs/decisions/threads.md.
#pragma once

#include <cstdint>

namespace ingot {

// Runs function(context, begin, end, thread) over disjoint ranges that cover 0 .. num_chunks-1, on the caller and at
// most num_threads-1 workers; returns when all are done. thread: 0 for the caller, < num_threads. Allocates nothing
// once the pool has num_threads-1 workers. Regions of different callers run one after another with respect to workers;
// a caller that finds the workers busy works alone.
using ChunkFunction = void (*)(void* context, std::int64_t begin, std::int64_t end, int thread);
void parallel_for(ChunkFunction function, void* context, std::int64_t num_chunks, int num_threads);

// Makes sure that num_threads-1 workers exist. Throws DeviceError if the system refuses.
void reserve_threads(int num_threads);
// Wakes num_threads-1 workers ahead of a run whose estimated parallel work is worth it, and keeps them spinning until
// end_run.
void begin_run(int num_threads);
void end_run();

// Processors that this process may use.
int num_processors();

}  // namespace ingot
