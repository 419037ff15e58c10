// The structs of generated code that hold a thread's operands: their elements, loads and stores (group_device.h).
#pragma once

#include <string>

#include "cuda/codegen_registers.h"

namespace ingot::cuda {

// Of the inputs with an element for every element. The register of an anchor is one of them that nobody loads.
std::string inputs_text(const DeviceGroup& group, const GroupRegisters& registers);
std::string outputs_text(const DeviceGroup& group, const GroupRegisters& registers);

}  // namespace ingot::cuda
