// Runs modules written as text: arrays by value, outputs allocated, params given as lists.
#pragma once

#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "graph/text.h"
#include "program.h"
#include "verify/verify.h"

namespace ingot::testing {

inline const std::string kHead = "ingot 1\nnumerics 1\n";

template <class T>
inline constexpr DType kDTypeOf = DType::kF32;
template <>
inline constexpr DType kDTypeOf<double> = DType::kF64;
template <>
inline constexpr DType kDTypeOf<std::int32_t> = DType::kI32;
template <>
inline constexpr DType kDTypeOf<std::int64_t> = DType::kI64;
template <>
inline constexpr DType kDTypeOf<bool> = DType::kBool;

// A row-major array that owns its bytes.
struct Array {
  DType dtype = DType::kF32;
  std::vector<std::int64_t> shape;
  std::vector<char> bytes;

  Array() = default;
  Array(DType type, std::vector<std::int64_t> sizes) : dtype(type), shape(std::move(sizes)) {
    std::size_t count = size_bytes(dtype);
    for (std::int64_t size : shape) count *= static_cast<std::size_t>(size);
    bytes.resize(count, char(0x55));
  }
  template <class T>
  static Array of(std::vector<std::int64_t> sizes, const std::vector<T>& values) {
    Array array(kDTypeOf<T>, std::move(sizes));
    for (std::size_t i = 0; i < array.bytes.size() / sizeof(T); ++i) {
      const T value = values[i % values.size()];
      std::memcpy(array.bytes.data() + i * sizeof(T), &value, sizeof(T));
    }
    return array;
  }
  template <class T>
  std::vector<T> values() const {
    std::vector<T> result;
    for (std::size_t i = 0; i < bytes.size() / sizeof(T); ++i) {
      T value;
      std::memcpy(&value, bytes.data() + i * sizeof(T), sizeof(T));
      result.push_back(value);
    }
    return result;
  }
  ArrayRef ref() {
    ArrayRef array = {.data = bytes.data(), .dtype = dtype, .rank = static_cast<int>(shape.size())};
    std::int64_t stride = static_cast<std::int64_t>(size_bytes(dtype));
    for (std::size_t axis = shape.size(); axis-- > 0;) {
      array.shape[axis] = shape[axis];
      array.strides[axis] = stride;
      stride *= shape[axis];
    }
    return array;
  }
};

inline std::vector<ArrayRef> refs(std::vector<Array>& arrays) {
  std::vector<ArrayRef> result;
  for (Array& array : arrays) result.push_back(array.ref());
  return result;
}

using Tensors = std::map<std::string, Array>;

// Tensors are params and initial states by name.
inline std::shared_ptr<const Module> parse_for_run(std::string_view text, const Tensors& tensors = {}) {
  auto module = std::make_shared<Module>(parse_module(text).module);
  for (Param& param : module->params) {
    if (const auto found = tensors.find(param.name); found != tensors.end())
      param.data = copy_data(found->second.bytes.data(), found->second.bytes.size());
  }
  for (State& state : module->states) {
    if (const auto found = tensors.find(state.name); found != tensors.end())
      state.init = copy_data(found->second.bytes.data(), found->second.bytes.size());
  }
  verify(*module);
  return module;
}

// Runs a graph; the outputs are fresh.
inline std::vector<Array> run(Session& session, std::size_t graph, std::vector<Array> inputs,
                              const RunOptions& options = {}) {
  const std::vector<ArrayRef> in = refs(inputs);
  std::vector<TensorType> types;
  session.output_types(graph, in, types);
  std::vector<Array> outputs;
  for (const TensorType& type : types) {
    std::vector<std::int64_t> shape;
    for (const Size& size : type.shape) shape.push_back(size.constant());
    outputs.emplace_back(type.dtype, shape);
  }
  const std::vector<ArrayRef> out = refs(outputs);
  session.run(graph, in, out, options);
  return outputs;
}

inline std::vector<Array> run_text(std::string_view text, std::vector<Array> inputs, const Tensors& tensors = {},
                                   const CompileOptions& options = {}) {
  return run(*Program::compile(parse_for_run(text, tensors), options)->new_session(), 0, std::move(inputs));
}

// Two graphs over one cache; `push` fails on a bad position or a negative value before anything is written.
inline const std::string kCache = kHead + R"(param start: f32[4]
state cache: f32[4] = stored
state count: i64[] = zeros
graph push(value: f32[1], at: i64[1]) {
  %0 = dynamic_update_slice(cache, value, at) : f32[4]  @ model.py:4
  %1 = less(value, 0.0) : bool[1]
  %2 = reshape(%1, shape=[]) : bool[]
  abort(%2, message="negative value")  @ model.py:6
  %3 = add(count, 1) : i64[]
  update cache <- %0
  update count <- %3
  return %0
}
graph total() {
  %0 = sum(cache, axes=[0]) : f32[]
  %1 = add(start, cache) : f32[4]
  return %0, count, %1
}
)";

inline const Tensors kCacheTensors = {{"cache", Array::of<float>({4}, {1, 2, 3, 4})},
                                      {"start", Array::of<float>({4}, {0.5f})}};

inline std::vector<Array> push(Session& session, float value, std::int64_t at) {
  return run(session, 0, {Array::of<float>({1}, {value}), Array::of<std::int64_t>({1}, {at})});
}

}  // namespace ingot::testing
