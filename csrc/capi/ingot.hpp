// Ingot's C++ API: RAII over the C API (ingot.h), header-only, C++17. Failures throw ingot::Error.
//
//   ingot::Program program = ingot::Program::load("digits.ingot");
//   ingot::Session session(program);
//   std::vector<float> x(64);
//   std::vector<ingot::Array> outputs = session.run({ingot::tensor(x.data(), {1, 64})});
//   const float* logits = outputs[0].data<float>();
//
// Threads: a Program may be used by any number of threads; a Session by one at a time.
#pragma once

#include <complex>
#include <cstdint>
#include <exception>
#include <initializer_list>
#include <memory>
#include <new>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "ingot.h"

namespace ingot {

class Error : public std::exception {
 public:
  Error(ingot_status status, std::string message) : status_(status), message_(std::move(message)) {}
  ingot_status status() const noexcept { return status_; }
  const char* what() const noexcept override { return message_.c_str(); }

 private:
  ingot_status status_;
  std::string message_;
};

// Throws what a status says. INGOT_MEMORY becomes std::bad_alloc.
inline void check(ingot_status status) {
  if (status == INGOT_OK) return;
  if (status == INGOT_MEMORY) throw std::bad_alloc();
  throw Error(status, ingot_last_error());
}

// The dtype of a C++ element type.
template <class T>
constexpr ingot_dtype dtype_of() {
  using E = std::remove_cv_t<T>;
  if constexpr (std::is_same_v<E, bool>)
    return INGOT_BOOL;
  else if constexpr (std::is_same_v<E, float>)
    return INGOT_F32;
  else if constexpr (std::is_same_v<E, double>)
    return INGOT_F64;
  else if constexpr (std::is_same_v<E, std::complex<float>>)
    return INGOT_C64;
  else if constexpr (std::is_same_v<E, std::complex<double>>)
    return INGOT_C128;
  else {
    static_assert(std::is_integral_v<E> && sizeof(E) <= 8, "no dtype holds this element type");
    constexpr int log2_size = sizeof(E) == 1 ? 0 : sizeof(E) == 2 ? 1 : sizeof(E) == 4 ? 2 : 3;
    return (std::is_signed_v<E> ? INGOT_I8 : INGOT_U8) + log2_size;
  }
}

// A borrowed array; `data` must outlive the call that it is given to.
struct TensorRef {
  void* data = nullptr;
  ingot_dtype dtype = INGOT_F32;
  std::vector<std::int64_t> shape;
  std::vector<std::int64_t> strides;  // in bytes; empty: row-major contiguous
  std::size_t size_bytes = 0;         // of the memory; 0: not stated
};

// A contiguous array of T. Inputs may be const: they are never written.
template <class T>
TensorRef tensor(T* data, std::vector<std::int64_t> shape) {
  return {const_cast<std::remove_const_t<T>*>(data), dtype_of<T>(), std::move(shape), {}, 0};
}

struct TensorInfo {
  std::string name;  // "" for an output without a name
  std::string type;  // "f32[batch,784]"
  ingot_dtype dtype = 0;
  std::vector<std::int64_t> shape;  // -1 for a size that is not constant
};

// An array that owns its elements, aligned to 64 bytes.
class Array {
 public:
  Array(ingot_dtype dtype, std::vector<std::int64_t> shape) : dtype_(dtype), shape_(std::move(shape)) {
    for (std::int64_t size : shape_) num_elements_ *= static_cast<std::size_t>(size);
    bytes_.reset(static_cast<unsigned char*>(::operator new(size_bytes() + 1, kAlignment)));
  }
  ingot_dtype dtype() const { return dtype_; }
  const std::vector<std::int64_t>& shape() const { return shape_; }
  std::size_t num_elements() const { return num_elements_; }
  std::size_t size_bytes() const { return num_elements_ * ingot_dtype_size(dtype_); }

  // Throws Error (INGOT_DTYPE) if the elements are not of type T.
  template <class T>
  const T* data() const {
    require_dtype(dtype_of<T>());
    return reinterpret_cast<const T*>(bytes_.get());
  }
  template <class T>
  T* data() {
    require_dtype(dtype_of<T>());
    return reinterpret_cast<T*>(bytes_.get());
  }
  TensorRef ref() { return {bytes_.get(), dtype_, shape_, {}, size_bytes()}; }

 private:
  static constexpr std::align_val_t kAlignment{64};
  struct Free {
    void operator()(unsigned char* bytes) const { ::operator delete(bytes, kAlignment); }
  };
  void require_dtype(ingot_dtype wanted) const {
    if (wanted != dtype_) {
      throw Error(INGOT_DTYPE, std::string("array: its elements are ") + ingot_dtype_name(dtype_) + ", not " +
                                   ingot_dtype_name(wanted));
    }
  }

  ingot_dtype dtype_;
  std::vector<std::int64_t> shape_;
  std::size_t num_elements_ = 1;
  std::unique_ptr<unsigned char, Free> bytes_;
};

// Options of Program::load, with the defaults of ingot_options.
struct Options {
  int num_threads = 0;
  std::int64_t max_memory_bytes = 0;
  bool copy_file = false;
  std::string level;
  std::vector<std::pair<std::string, std::int64_t>> dims;
  std::vector<std::string> disabled_passes;
  std::string device;
  std::vector<std::string> fast;
};

namespace detail {

inline std::vector<ingot_dim> to_dims(const std::vector<std::pair<std::string, std::int64_t>>& dims) {
  std::vector<ingot_dim> result;
  for (const auto& [name, value] : dims) result.push_back({name.c_str(), value});
  return result;
}

inline std::vector<const char*> to_names(const std::vector<std::string>& names) {
  std::vector<const char*> result;
  for (const std::string& name : names) result.push_back(name.c_str());
  return result;
}

inline TensorInfo to_info(const ingot_tensor_info& info) {
  return {info.name, info.type == nullptr ? "" : info.type, info.dtype, {info.shape, info.shape + info.rank}};
}

inline ingot_tensor to_tensor(const TensorRef& ref) {
  if (!ref.strides.empty() && ref.strides.size() != ref.shape.size()) {
    throw Error(INGOT_ARGUMENT, "tensor: it has not as many strides as sizes");
  }
  return {ref.data,       ref.shape.data(), ref.strides.empty() ? nullptr : ref.strides.data(),
          ref.size_bytes, ref.dtype,        static_cast<std::int32_t>(ref.shape.size())};
}

}  // namespace detail

// A module ready to run: immutable, cheap to copy.
class Program {
 public:
  static Program load(const std::string& path, const Options& options = {}) {
    return make(options, [&](const ingot_options* raw, ingot_program** program) {
      return ingot_program_load(path.c_str(), raw, program);
    });
  }
  static Program load_bytes(const void* bytes, std::size_t size_bytes, const Options& options = {}) {
    return make(options, [&](const ingot_options* raw, ingot_program** program) {
      return ingot_program_load_bytes(bytes, size_bytes, raw, program);
    });
  }

  std::size_t num_graphs() const { return ingot_program_num_graphs(get()); }
  std::string graph_name(std::size_t graph) const {
    const char* name = ingot_program_graph_name(get(), graph);
    if (name == nullptr) throw Error(INGOT_ARGUMENT, "there is no graph " + std::to_string(graph));
    return name;
  }
  // Index of a graph; "" is the only graph.
  std::size_t find_graph(const std::string& name) const {
    std::size_t graph = 0;
    check(ingot_program_find_graph(get(), name.c_str(), &graph));
    return graph;
  }
  std::vector<TensorInfo> inputs(std::size_t graph = 0) const {
    return infos(ingot_program_num_inputs(get(), graph),
                 [&](std::size_t i, ingot_tensor_info* info) { return ingot_program_input(get(), graph, i, info); });
  }
  std::vector<TensorInfo> outputs(std::size_t graph = 0) const {
    return infos(ingot_program_num_outputs(get(), graph),
                 [&](std::size_t i, ingot_tensor_info* info) { return ingot_program_output(get(), graph, i, info); });
  }
  std::vector<TensorInfo> states() const {
    return infos(ingot_program_num_states(get()),
                 [&](std::size_t i, ingot_tensor_info* info) { return ingot_program_state(get(), i, info); });
  }
  std::int64_t arena_bytes(std::size_t graph = 0) const {
    std::int64_t bytes = 0;
    check(ingot_program_arena_bytes(get(), graph, &bytes));
    return bytes;
  }

  // The C handle, borrowed.
  const ingot_program* get() const { return program_.get(); }

 private:
  explicit Program(ingot_program* program) : program_(program, &ingot_program_free) {}

  template <class Load>
  static Program make(const Options& options, Load load) {
    const std::vector<ingot_dim> dims = detail::to_dims(options.dims);
    const std::vector<const char*> passes = detail::to_names(options.disabled_passes);
    const std::vector<const char*> fast = detail::to_names(options.fast);
    ingot_options raw = INGOT_OPTIONS_INIT;
    raw.num_threads = options.num_threads;
    raw.max_memory_bytes = options.max_memory_bytes;
    raw.copy_file = options.copy_file ? 1 : 0;
    raw.level = options.level.empty() ? nullptr : options.level.c_str();
    raw.dims = dims.data();
    raw.num_dims = dims.size();
    raw.disabled_passes = passes.data();
    raw.num_disabled_passes = passes.size();
    raw.device = options.device.empty() ? nullptr : options.device.c_str();
    raw.fast = fast.data();
    raw.num_fast = fast.size();
    ingot_program* program = nullptr;
    check(load(&raw, &program));
    return Program(program);
  }

  template <class Read>
  static std::vector<TensorInfo> infos(std::size_t count, Read read) {
    std::vector<TensorInfo> result;
    for (std::size_t i = 0; i < count; ++i) {
      ingot_tensor_info info = INGOT_TENSOR_INFO_INIT;
      check(read(i, &info));
      result.push_back(detail::to_info(info));
    }
    return result;
  }

  std::shared_ptr<ingot_program> program_;
};

// One copy of every state of a program.
class Session {
 public:
  explicit Session(const Program& program) {
    ingot_session* session = nullptr;
    check(ingot_session_new(program.get(), &session));
    session_.reset(session);
    program_ = std::make_unique<Program>(program);
  }

  // Writes into the caller's outputs; allocates nothing once it has run (see ingot_session_run).
  void run_into(const std::vector<TensorRef>& inputs, const std::vector<TensorRef>& outputs, std::size_t graph = 0) {
    to_tensors(inputs, raw_inputs_);
    to_tensors(outputs, raw_outputs_);
    check(ingot_session_run(session_.get(), graph, raw_inputs_.data(), raw_inputs_.size(), raw_outputs_.data(),
                            raw_outputs_.size(), nullptr));
  }

  // Makes the outputs.
  std::vector<Array> run(const std::vector<TensorRef>& inputs, std::size_t graph = 0) {
    std::vector<Array> arrays;
    std::vector<TensorRef> refs;
    for (const TensorInfo& info : output_types(inputs, graph)) {
      arrays.emplace_back(info.dtype, info.shape);
      refs.push_back(arrays.back().ref());
    }
    run_into(inputs, refs, graph);
    return arrays;
  }

  // The concrete types of the outputs for these inputs.
  std::vector<TensorInfo> output_types(const std::vector<TensorRef>& inputs, std::size_t graph = 0) {
    to_tensors(inputs, raw_inputs_);
    std::vector<ingot_tensor_info> infos(ingot_program_num_outputs(program_->get(), graph), INGOT_TENSOR_INFO_INIT);
    check(ingot_session_output_shapes(session_.get(), graph, raw_inputs_.data(), raw_inputs_.size(), infos.data(),
                                      infos.size()));
    std::vector<TensorInfo> result;
    for (const ingot_tensor_info& info : infos) result.push_back(detail::to_info(info));
    return result;
  }

  void reserve(std::size_t graph, const std::vector<std::pair<std::string, std::int64_t>>& dims) {
    const std::vector<ingot_dim> raw = detail::to_dims(dims);
    check(ingot_session_reserve(session_.get(), graph, raw.data(), raw.size()));
  }
  void reset() { check(ingot_session_reset(session_.get())); }
  void read_state(const std::string& name, void* data, std::size_t size_bytes) {
    check(ingot_session_read_state(session_.get(), name.c_str(), data, size_bytes));
  }
  void write_state(const std::string& name, const TensorRef& value) {
    const ingot_tensor raw = detail::to_tensor(value);
    check(ingot_session_write_state(session_.get(), name.c_str(), &raw));
  }
  void save(const std::string& path) { check(ingot_session_save(session_.get(), path.c_str())); }

  // The C handle, borrowed.
  ingot_session* get() const { return session_.get(); }

 private:
  struct Free {
    void operator()(ingot_session* session) const { ingot_session_free(session); }
  };
  static void to_tensors(const std::vector<TensorRef>& refs, std::vector<ingot_tensor>& raw) {
    raw.clear();
    for (const TensorRef& ref : refs) raw.push_back(detail::to_tensor(ref));
  }

  std::unique_ptr<ingot_session, Free> session_;
  std::unique_ptr<Program> program_;
  std::vector<ingot_tensor> raw_inputs_, raw_outputs_;  // kept, so that a run allocates nothing
};

}  // namespace ingot
