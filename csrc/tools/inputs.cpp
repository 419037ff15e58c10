// Files first, because their shapes give dims to the inputs that are made up.
#include "tools/inputs.h"

#include <algorithm>
#include <optional>

#include "base/error.h"
#include "tools/files.h"

namespace ingot::tools {

namespace {

bool is_made_up(const std::string& source) {
  return source == "rand" || source == "zeros";
}

const std::string* find_source(const Arguments& arguments, const std::string& name) {
  for (const NameAndText& input : arguments.inputs) {
    if (input.name == name) return &input.text;
  }
  return nullptr;
}

std::string list_inputs(const Graph& graph) {
  std::string text;
  for (std::size_t i = 0; i < graph.body.args.size(); ++i) {
    text += (i == 0 ? "" : ", ") + graph.input_names[i] + ": " + to_string(graph.value(graph.body.args[i]).type);
  }
  return text.empty() ? "none" : text;
}

void check_names(const Graph& graph, const Arguments& arguments) {
  for (const NameAndText& input : arguments.inputs) {
    if (std::find(graph.input_names.begin(), graph.input_names.end(), input.name) == graph.input_names.end()) {
      throw Failure(kWrongUsage,
                    concat("--input: there is no input '", input.name, "': the inputs are ", list_inputs(graph)));
    }
  }
  for (const std::string& name : graph.input_names) {
    if (find_source(arguments, name) == nullptr) {
      throw Failure(kWrongUsage, concat("no value for input '", name, "': give --input ", name, "=FILE.npy or --input ",
                                        name, "=rand; the inputs are ", list_inputs(graph)));
    }
  }
}

void check_dims(const Module& module, const Arguments& arguments) {
  for (const auto& [name, value] : arguments.dims) {
    const auto same = [&](const Dim& dim) { return dim.name == name; };
    if (std::none_of(module.dims.begin(), module.dims.end(), same)) {
      throw Failure(kWrongUsage, concat("--dim: the model has no dim '", name, "'"));
    }
  }
}

Tensor read_tensor(const std::string& path, const std::string& name) {
  if (path.ends_with(".npy")) return read_npy(path);
  if (path.ends_with(".safetensors")) return read_safetensors(path, name);
  throw Failure(kWrongUsage,
                concat("--input ", name, "=", path, ": expected a file .npy or .safetensors, rand or zeros"));
}

// Sizes that are one bare dim tell its value; whether all agree is checked when the program binds them.
void learn_dims(const TensorType& type, const Tensor& tensor, DimValues& dims) {
  for (std::size_t i = 0; i < type.shape.size() && i < tensor.shape.size(); ++i) {
    if (const std::optional<std::string> dim = type.shape[i].as_dim()) dims.emplace(*dim, tensor.shape[i]);
  }
}

Tensor make_up(const TensorType& type, const std::string& name, const DimValues& dims) {
  std::vector<std::int64_t> shape;
  for (const Size& size : type.shape) {
    for (const std::string& dim : size.dims()) {
      if (dims.count(dim) == 0) {
        throw Failure(kWrongUsage, concat("input ", name, ": ", to_string(type), ": dim ", dim,
                                          " has no value: give --dim ", dim, "=SIZE"));
      }
    }
    shape.push_back(size.evaluate(dims));
    if (shape.back() < 0) throw Failure(kWrongUsage, concat("input ", name, ": got size ", shape.back()));
  }
  return make_tensor(type.dtype, std::move(shape));
}

}  // namespace

std::vector<Tensor> make_inputs(const Module& module, const Graph& graph, const Arguments& arguments) {
  check_names(graph, arguments);
  check_dims(module, arguments);
  std::vector<Tensor> inputs(graph.body.args.size());
  DimValues dims = arguments.dims;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const std::string& source = *find_source(arguments, graph.input_names[i]);
    if (is_made_up(source)) continue;
    inputs[i] = read_tensor(source, graph.input_names[i]);
    learn_dims(graph.value(graph.body.args[i]).type, inputs[i], dims);
  }
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const std::string& source = *find_source(arguments, graph.input_names[i]);
    if (!is_made_up(source)) continue;
    inputs[i] = make_up(graph.value(graph.body.args[i]).type, graph.input_names[i], dims);
    if (source == "rand") {
      fill_random(inputs[i], arguments.seed, i);
    } else {
      fill_zeros(inputs[i]);
    }
  }
  return inputs;
}

}  // namespace ingot::tools
