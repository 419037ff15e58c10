// Tensors in files: NumPy's .npy (versions 1 and 2, read strictly) and safetensors.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "tools/tensor.h"

namespace ingot::tools {

// Each throws FileError "x.npy: ..." for content that breaks the format, DeviceError with the system's reason.
// Big-endian arrays are refused. Bytes of a type that NumPy lacks ('V2') are read as bf16.
Tensor read_npy(const std::string& path);
Tensor parse_npy(std::span<const std::byte> bytes, std::string_view path);
void write_npy(const std::string& path, const Tensor& tensor);
std::string npy_header(const Tensor& tensor);

// The tensor of this name, or the only one of the file (padding does not count).
Tensor read_safetensors(const std::string& path, const std::string& name);

}  // namespace ingot::tools
