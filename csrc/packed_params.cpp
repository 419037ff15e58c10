#include "packed_params.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <mutex>

#include "base/error.h"
#include "execute/levels.h"
#include "execute/pool.h"
#include "graph/panel_rows.h"
#include "large_pages.h"

namespace ingot {

namespace {

// By address of the source; the owner tells whether it is still the same.
struct Made {
  std::weak_ptr<const void> source, packed;
  const std::byte* data = nullptr;
  std::size_t size_bytes = 0;
  TensorType type;
  Layout layout;
};

struct Cache {
  std::mutex mutex;
  std::multimap<const std::byte*, Made> made;
  LargePages memory;
};

Cache& cache() {
  static Cache* const instance = new Cache;  // never destroyed: programs may outlive static objects
  return *instance;
}

bool same_owner(const std::weak_ptr<const void>& a, const std::shared_ptr<const void>& b) {
  return !a.owner_before(b) && !b.owner_before(a);
}

// Drops what nobody uses any more, so that the table stays as small as what is alive.
void forget_dead(Cache& cache) {
  std::erase_if(cache.made, [](const auto& entry) { return entry.second.packed.expired(); });
}

TensorData find_made(Cache& cache, const TensorType& type, const TensorData& source, const Layout& layout) {
  const auto [begin, end] = cache.made.equal_range(source.data);
  for (auto entry = begin; entry != end; ++entry) {
    const Made& made = entry->second;
    if (!same_owner(made.source, source.owner) || !(made.layout == layout) || !(made.type == type)) continue;
    if (std::shared_ptr<const void> packed = made.packed.lock()) return {made.data, made.size_bytes, std::move(packed)};
  }
  return {};
}

TensorData allocate(LargePages& memory, std::size_t size_bytes) {
  std::shared_ptr<const std::byte> block = memory.allocate(size_bytes);
  if (block == nullptr) fail(ErrorCode::kLimit, concat("compile: cannot hold ", size_bytes, " bytes of params"));
  const std::byte* const data = block.get();
  return {data, size_bytes, std::move(block)};
}

void set_shape(TensorArg& arg, const Shape& shape) {
  arg.rank = static_cast<std::int32_t>(shape.size());
  for (std::size_t axis = 0; axis < shape.size(); ++axis) arg.shape[axis] = shape[axis].constant();
}

// The rows as [..., n]: the axes in the order in which panels have them.
TensorArg source_of(const TensorType& type, const TensorData& rows, const Layout& layout) {
  std::int64_t strides[kMaxRank], next = 1;
  for (std::size_t axis = layout.rank; axis-- > 0;) {
    strides[axis] = next;
    next *= type.shape[axis].constant();
  }
  TensorArg arg = {};
  arg.data = reinterpret_cast<char*>(const_cast<std::byte*>(rows.data));
  arg.dtype = static_cast<std::int32_t>(type.dtype);
  arg.rank = layout.rank;
  for (std::size_t i = 0; i < layout.rank; ++i) {
    const std::size_t axis = layout.order[(i + 1) % layout.rank];
    arg.shape[i] = type.shape[axis].constant();
    arg.strides[i] = strides[axis];
  }
  return arg;
}

constexpr std::size_t kPieceBytes = std::size_t{16} << 20;

// Gives back the whole pages inside bytes begin .. end of the rows. They stay in small pages from here on: a small
// param beside them, read in every run, would bring the whole large page around it back.
void give_back(const TensorData& rows, std::size_t begin, std::size_t end) {
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGE_SIZE));
  const auto data = reinterpret_cast<std::uintptr_t>(rows.data);
  const std::uintptr_t first = (data + begin + page - 1) / page * page, last = (data + end) / page * page;
  if (!rows.mapped || first >= last) return;
  ::madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED);
  ::madvise(reinterpret_cast<void*>(first), last - first, MADV_NOHUGEPAGE);  // a wish
}

// Runs run(begin, end) over tiles on the threads. Where tiles in their order read neighbouring parts of the source,
// these are given back piece by piece, so that a large table never lies in memory twice. Tiles are equal but for the
// last, so that what lies below an equal part is done with.
template <class Run>
void lay_in_pieces(const Run& run, std::int64_t tiles, const TensorData& source, bool in_order, int num_threads) {
  struct Piece {
    const Run& run;
    std::int64_t first;  // tile
  };
  const auto run_chunks = [](void* context, std::int64_t begin, std::int64_t end, int) {
    const Piece& given = *static_cast<const Piece*>(context);
    given.run(given.first + begin, given.first + end);
  };
  const std::int64_t pieces = in_order ? static_cast<std::int64_t>(source.size_bytes / kPieceBytes) + 1 : 1;
  const std::int64_t step = (tiles + pieces - 1) / pieces;
  std::size_t given_back = 0;
  for (Piece piece = {run, 0}; piece.first < tiles; piece.first += step) {
    const std::int64_t end = std::min(tiles, piece.first + step);
    parallel_for(run_chunks, &piece, end - piece.first, num_threads);
    const double part = static_cast<double>(end) / static_cast<double>(tiles);
    const auto done = static_cast<std::size_t>(static_cast<double>(source.size_bytes) * part);
    give_back(source, given_back, done);
    given_back = done;
  }
}

TensorData lay_panels(const TensorType& type, const TensorData& rows, const Layout& layout, const KernelTable& level,
                      int num_threads, LargePages& memory) {
  const TensorType stored = {type.dtype, stored_shape(type, layout)};
  TensorData panels = allocate(memory, static_cast<std::size_t>(num_bytes(stored).constant()));
  const TensorArg from = source_of(type, rows, layout);
  TensorArg to = {};
  to.data = reinterpret_cast<char*>(const_cast<std::byte*>(panels.data));
  to.dtype = from.dtype;
  set_shape(to, stored.shape);
  const Kernel* const kernel = find_kernel(level, "panels", type.dtype);
  INGOT_CHECK(kernel != nullptr);
  KernelCall call = {};
  call.outputs = &to;
  call.inputs = &from;
  call.num_outputs = call.num_inputs = 1;
  const auto run = [&](std::int64_t begin, std::int64_t end) { kernel->run(&call, begin, end, nullptr); };
  lay_in_pieces(run, kernel->num_tiles(&call), rows, layout.order[0] == 0, num_threads);
  return panels;
}

TensorData lay_rows(const TensorType& type, const TensorData& panels, const Layout& layout, int num_threads,
                    LargePages& memory) {
  TensorData rows = allocate(memory, static_cast<std::size_t>(num_bytes(type).constant()));
  auto* const to = const_cast<std::byte*>(rows.data);
  const auto run = [&](std::int64_t begin, std::int64_t end) {
    copy_rows_of_panels(type, layout, panels.data, {begin, end}, to);
  };
  lay_in_pieces(run, all_panels(type, layout).last, panels, true, num_threads);
  return rows;
}

}  // namespace

TensorData shared_layout(const TensorType& type, const TensorData& data, const Layout& from, const Layout& to,
                         const KernelTable& level, int num_threads) {
  Cache& shared = cache();
  const std::lock_guard<std::mutex> lock(shared.mutex);  // a second program waits instead of doing the same work
  if (TensorData made = find_made(shared, type, data, to); made.owner) return made;
  forget_dead(shared);
  TensorData made = from.in_panels() ? lay_rows(type, data, from, num_threads, shared.memory) : data;
  if (to.in_panels()) made = lay_panels(type, made, to, level, num_threads, shared.memory);
  if (data.owner) shared.made.emplace(data.data, Made{data.owner, made.owner, made.data, made.size_bytes, type, to});
  return made;
}

}  // namespace ingot
