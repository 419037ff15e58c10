#include "packed_params.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <new>

#include "base/error.h"
#include "execute/levels.h"
#include "execute/pool.h"

namespace ingot {

namespace {

// By address of the rows; the owner tells whether they are still the same.
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

TensorData find_made(Cache& cache, const TensorType& type, const TensorData& rows, const Layout& layout) {
  const auto [begin, end] = cache.made.equal_range(rows.data);
  for (auto entry = begin; entry != end; ++entry) {
    const Made& made = entry->second;
    if (!same_owner(made.source, rows.owner) || !(made.layout == layout) || !(made.type == type)) continue;
    if (std::shared_ptr<const void> packed = made.packed.lock()) return {made.data, made.size_bytes, std::move(packed)};
  }
  return {};
}

// Large blocks in large pages: a product reads all of it in every run, and the system clears them faster.
TensorData allocate(std::size_t size_bytes) {
  constexpr std::size_t kLargePage = std::size_t{2} << 20;
  const std::align_val_t alignment{size_bytes >= kLargePage ? kLargePage : std::size_t{64}};
  void* const block = ::operator new(size_bytes, alignment, std::nothrow);
  if (block == nullptr) fail(ErrorCode::kLimit, concat("compile: cannot hold ", size_bytes, " bytes of params"));
  ::madvise(block, size_bytes / kLargePage * kLargePage, MADV_HUGEPAGE);  // a wish: nothing depends on it
  std::shared_ptr<const void> owner(block,
                                    [alignment](const void* p) { ::operator delete(const_cast<void*>(p), alignment); });
  return {static_cast<const std::byte*>(block), size_bytes, std::move(owner)};
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

struct Work {
  const Kernel* kernel;
  KernelCall call;
  std::int64_t first;  // tile
};

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

// Where panels are made of neighbouring rows, these are given back piece by piece, so that a large table never lies in
// memory twice. Tiles are equal but for the last, so that the rows below an equal part are done with.
void lay_in_pieces(Work& work, const TensorData& rows, bool by_rows, int num_threads) {
  const auto run = [](void* context, std::int64_t begin, std::int64_t end, int) {
    const Work& given = *static_cast<const Work*>(context);
    given.kernel->run(&given.call, given.first + begin, given.first + end, nullptr);
  };
  const std::int64_t tiles = work.kernel->num_tiles(&work.call);
  const std::int64_t pieces = by_rows ? static_cast<std::int64_t>(rows.size_bytes / kPieceBytes) + 1 : 1;
  const std::int64_t piece = (tiles + pieces - 1) / pieces;
  std::size_t given_back = 0;
  for (work.first = 0; work.first < tiles; work.first += piece) {
    const std::int64_t end = std::min(tiles, work.first + piece);
    parallel_for(run, &work, end - work.first, num_threads);
    const double part = static_cast<double>(end) / static_cast<double>(tiles);
    const auto done = static_cast<std::size_t>(static_cast<double>(rows.size_bytes) * part);
    give_back(rows, given_back, done);
    given_back = done;
  }
}

TensorData lay_panels(const TensorType& type, const TensorData& rows, const Layout& layout, const KernelTable& level,
                      int num_threads) {
  const TensorType stored = {type.dtype, stored_shape(type, layout)};
  TensorData panels = allocate(static_cast<std::size_t>(num_bytes(stored).constant()));
  const TensorArg from = source_of(type, rows, layout);
  TensorArg to = {};
  to.data = reinterpret_cast<char*>(const_cast<std::byte*>(panels.data));
  to.dtype = from.dtype;
  set_shape(to, stored.shape);
  Work work = {.kernel = find_kernel(level, "panels", type.dtype), .call = {}, .first = 0};
  INGOT_CHECK(work.kernel != nullptr);
  work.call.outputs = &to;
  work.call.inputs = &from;
  work.call.num_outputs = work.call.num_inputs = 1;
  lay_in_pieces(work, rows, layout.order[0] == 0, num_threads);
  return panels;
}

}  // namespace

TensorData shared_panels(const TensorType& type, const TensorData& rows, const Layout& layout, const KernelTable& level,
                         int num_threads) {
  Cache& shared = cache();
  const std::lock_guard<std::mutex> lock(shared.mutex);  // a second program waits instead of doing the same work
  if (TensorData made = find_made(shared, type, rows, layout); made.owner) return made;
  forget_dead(shared);
  TensorData panels = lay_panels(type, rows, layout, level, num_threads);
  if (rows.owner) {
    shared.made.emplace(rows.data, Made{rows.owner, panels.owner, panels.data, panels.size_bytes, type, layout});
  }
  return panels;
}

}  // namespace ingot
