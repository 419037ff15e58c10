// Module <-> bytes of a .ingot file: a valid safetensors file whose __metadata__ holds the module's text.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "graph/graph.h"

namespace ingot {

// The same module gives the same bytes. Throws FileError (a dtype that safetensors lacks), LimitError.
std::vector<std::byte> write_module(const Module& module);
// Writes beside `path`, fsyncs, renames. Throws DeviceError with the system's reason.
void save_module(const Module& module, const std::string& path);

struct ReadOptions {
  bool copy = false;  // read the file instead of mapping it: safe against later truncation by others
};
// Map (or read), check the container, parse the text, attach tensors, verify the module.
// Throws FileError with the byte or line, LimitError for budgets, DeviceError for the system's failures.
Module load_module(const std::string& path, const ReadOptions& options = {});
// `bytes` are copied.
Module load_module(std::span<const std::byte> bytes);

}  // namespace ingot
