// Runs a .ingot file from C++: every f32 input is a ramp, the outputs are printed with their types.
//
//   cmake -S . -B build -DCMAKE_PREFIX_PATH="$(python -m ingot --cmake)" && cmake --build build
//   build/run_ingot model.ingot 8            (8 for every size that the file leaves open)
#include <algorithm>
#include <cstdlib>
#include <ingot.hpp>
#include <iostream>
#include <string>
#include <vector>

namespace {

// An input for one tensor of the program: 0, 1/n, 2/n, ... where it holds f32, zeros elsewhere.
ingot::Array make_input(const ingot::TensorInfo& info, std::int64_t open_size) {
  std::vector<std::int64_t> shape = info.shape;
  for (std::int64_t& size : shape) size = size < 0 ? open_size : size;
  ingot::Array array(info.dtype, shape);
  if (info.dtype == INGOT_F32) {
    float* data = array.data<float>();
    const std::size_t n = array.num_elements();
    for (std::size_t i = 0; i < n; ++i) data[i] = static_cast<float>(i) / static_cast<float>(n);
  } else {
    auto* bytes = static_cast<unsigned char*>(array.ref().data);
    std::fill(bytes, bytes + array.size_bytes(), static_cast<unsigned char>(0));
  }
  return array;
}

void print(const std::string& name, const ingot::Array& array) {
  std::cout << name << ": " << ingot_dtype_name(array.dtype()) << "[";
  const char* separator = "";
  for (std::int64_t size : array.shape()) {
    std::cout << separator << size;
    separator = ",";
  }
  std::cout << "]";
  if (array.dtype() == INGOT_F32 && array.num_elements() > 0) std::cout << ", first " << array.data<float>()[0];
  std::cout << "\n";
}

void run(const std::string& path, std::int64_t open_size) {
  const ingot::Program program = ingot::Program::load(path);
  ingot::Session session(program);
  std::vector<ingot::Array> inputs;
  std::vector<ingot::TensorRef> refs;
  for (const ingot::TensorInfo& info : program.inputs()) {
    std::cout << "input " << info.name << ": " << info.type << "\n";
    inputs.push_back(make_input(info, open_size));
    refs.push_back(inputs.back().ref());
  }
  const std::vector<ingot::Array> outputs = session.run(refs);
  const std::vector<ingot::TensorInfo> infos = program.outputs();
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    print("output " + (infos[i].name.empty() ? std::to_string(i) : infos[i].name), outputs[i]);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::cerr << "usage: " << argv[0] << " MODEL.ingot [open size]\n";
    return 2;
  }
  try {
    run(argv[1], argc > 2 ? std::atoll(argv[2]) : 1);
  } catch (const std::exception& error) {
    std::cerr << "error: " << error.what() << "\n";
    return 1;
  }
  return 0;
}
