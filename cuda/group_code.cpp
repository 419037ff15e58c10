#include "cuda/group_code.h"

#include <cstring>
#include <map>
#include <mutex>

#include "cuda/cache.h"
#include "cuda/codegen.h"
#include "cuda/embedded.h"
#include "cuda/group_launch.h"
#include "cuda/loaded_code.h"
#include "cuda/nvrtc.h"

namespace ingot::cuda {
namespace {

struct Unload {
  void operator()(LoadedCode* code) const { unload_code(code); }
};
using SharedCode = std::shared_ptr<LoadedCode>;

// Of every group that is in use, by its device and its key.
struct Known {
  std::mutex mutex;
  std::map<std::string, std::weak_ptr<LoadedCode>> codes;
};

Known& known() {
  static Known* const codes = new Known;  // never deleted: programs may be closed to the end
  return *codes;
}

// What decides about the code: the compiler, its options, every header, the text.
std::string key_of(const std::string& compiler, const std::string& text) {
  static const std::string headers = [] {
    std::string all;
    for (const EmbeddedHeader& header : embedded_headers()) all += std::string(header.name) + "\n" + header.text + "\n";
    return digest(all);
  }();
  return compiler + "\n" + headers + "\n" + text;
}

// null, with `why`.
SharedCode load(const std::string& code, std::string* why) {
  LoadedCode* loaded = nullptr;
  const cudaError_t result = load_code(code, &loaded);
  if (result != cudaSuccess) {
    *why = std::string("compiled code cannot be loaded: ") + cudaGetErrorString(result);
    return nullptr;
  }
  return SharedCode(loaded, Unload());
}

SharedCode make_code(const std::string& text, const std::string& key, int major, int minor, const char* cache_folder,
                     std::string* why) {
  std::string code;
  if (read_cached_code(cache_folder, key, &code)) {
    if (SharedCode loaded = load(code, why)) return loaded;
  }
  const std::span<const EmbeddedHeader> headers = embedded_headers();
  const SourceCode source = {
      .text = text.c_str(), .headers = headers.data(), .num_headers = headers.size(), .major = major, .minor = minor};
  if (!compile_source(source, &code, why)) return nullptr;
  SharedCode loaded = load(code, why);
  if (loaded != nullptr) write_cached_code(cache_folder, key, code);
  return loaded;
}

// null, with `why`.
SharedCode find_or_make(const std::string& text, int major, int minor, const char* cache_folder, std::string* why) {
  const std::string compiler = compiler_of(major, minor, why);
  if (compiler.empty()) return nullptr;
  const std::string key = key_of(compiler, text);
  const std::lock_guard<std::mutex> lock(known().mutex);
  std::erase_if(known().codes, [](const auto& entry) { return entry.second.expired(); });
  int device = 0;
  if (const cudaError_t result = cudaGetDevice(&device); result != cudaSuccess) {
    *why = std::string("no device: ") + cudaGetErrorString(result);
    return nullptr;
  }
  std::weak_ptr<LoadedCode>& shared = known().codes[std::to_string(device) + "\n" + key];
  SharedCode code = shared.lock();
  if (code == nullptr) {
    code = make_code(text, key, major, minor, cache_folder, why);
    shared = code;
  }
  return code;
}

}  // namespace

struct GroupCode {
  GroupSource facts;
  SharedCode code;
  std::string words;
  std::int64_t shared_bytes = 0;
};

void DeleteGroupCode::operator()(GroupCode* code) const {
  delete code;
}

OwnedGroupCode make_group_code(const DeviceStepRequest& request, int major, int minor, const char* cache_folder,
                               std::string* why) {
  OwnedGroupCode made(new GroupCode);
  if (request.group == nullptr) {
    *why = "a step without a group has no code of its own";
    return nullptr;
  }
  const bool attention = std::strcmp(request.kernel, "attention") == 0;
  const auto generate = attention ? generate_attention : generate_group;
  if (!generate(*request.group, &made->facts, why)) return nullptr;
  made->code = find_or_make(made->facts.text, major, minor, cache_folder, why);
  if (made->code == nullptr) return nullptr;
  made->facts.text.clear();
  if (attention) made->shared_bytes = allow_shared_memory(*made->code);
  made->words = count_ops(*request.group) + ", generated";
  return made;
}

OwnedGroupCode make_anchored_code(const DeviceGroup& group, AnchorKernel kernel, int major, int minor,
                                  const char* cache_folder, std::string* why) {
  OwnedGroupCode made(new GroupCode);
  if (!generate_anchored_group(group, kernel, &made->facts, why)) return nullptr;
  made->code = find_or_make(made->facts.text, major, minor, cache_folder, why);
  if (made->code == nullptr) return nullptr;
  made->facts.text.clear();
  return made;
}

const GroupSource& source_of(const GroupCode& code) {
  return code.facts;
}

std::int64_t shared_bytes_of(const GroupCode& code) {
  return code.shared_bytes;
}

cudaError_t launch_group_code(const GroupCode& code, unsigned grid, std::size_t shared_bytes, cudaStream_t stream,
                              void* arguments) {
  return launch_code(*code.code, dim3(grid), dim3(kGroupBlock), shared_bytes, stream, arguments);
}

std::string count_ops(const DeviceGroup& group) {
  return "group of " + std::to_string(group.num_ops) + (group.num_ops == 1 ? " op" : " ops");
}

cudaError_t enqueue_group(const GroupCode& code, const Enqueue& enqueue) {
  GroupLaunches launches(code.facts, enqueue.call, enqueue.num_processors);
  if (!launches.fits()) return cudaErrorInvalidValue;
  GroupLaunch launch;
  while (launches.next(&launch)) {
    const Guard& guard = enqueue.guard;
    if (guard.guarded != 0) launch.arguments.space.stop = {&guard.fault->set, &guard.fault->order, guard.order};
    const cudaError_t result = launch_code(*code.code, dim3(launch.grid), dim3(launch.block), launch.shared_bytes,
                                           enqueue.stream, &launch.arguments);
    if (result != cudaSuccess) return result;
  }
  return cudaSuccess;
}

std::int64_t group_workspace_bytes(const GroupCode&, const KernelCall&) {
  return 0;
}

const char* describe_group(const GroupCode& code) {
  return code.words.c_str();
}

}  // namespace ingot::cuda
