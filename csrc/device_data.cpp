#include "device_data.h"

#include "base/checked.h"

namespace ingot {

namespace {

const TensorData* data_of(const Module& module, const CompiledPlan& compiled, const Slot& slot) {
  if (slot.kind == SlotKind::kParam) return &resolve(module, slot.index).data;
  return slot.kind == SlotKind::kConstant ? &compiled.graph->constants[slot.index] : nullptr;
}

// Of a piece of a block.
std::int64_t piece_bytes(const TensorData& data) {
  return checked_align_up(static_cast<std::int64_t>(data.size_bytes), kDeviceAlignment).value_or(INT64_MAX);
}

}  // namespace

DeviceAddresses DeviceData::place(const Module& module, const CompiledPlan& compiled) {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::vector<TensorData> missing;
  for (const Slot& slot : compiled.plan.slots) {
    const TensorData* data = data_of(module, compiled, slot);
    if (data == nullptr || data->size_bytes == 0 ||
        !known_.emplace(HostData(data->data, data->size_bytes), nullptr).second)
      continue;
    missing.push_back(*data);
  }
  upload(missing);
  DeviceAddresses addresses;
  addresses.params.resize(module.params.size());
  addresses.constants.resize(compiled.graph->constants.size());
  for (const Slot& slot : compiled.plan.slots) {
    const TensorData* data = data_of(module, compiled, slot);
    if (data == nullptr || data->size_bytes == 0) continue;
    (slot.kind == SlotKind::kParam ? addresses.params : addresses.constants)[slot.index] =
        known_.at({data->data, data->size_bytes});
  }
  return addresses;
}

void DeviceData::upload(const std::vector<TensorData>& missing) {
  std::int64_t total = 0;
  for (const TensorData& data : missing) total = checked_add(total, piece_bytes(data)).value_or(INT64_MAX);
  try {
    blocks_.emplace_back(device_, total);
    char* next = blocks_.back().data();
    for (const TensorData& data : missing) {
      device_->upload(next, data.data, static_cast<std::int64_t>(data.size_bytes));
      known_[{data.data, data.size_bytes}] = next;
      next += piece_bytes(data);
    }
  } catch (...) {
    for (const TensorData& data : missing) known_.erase({data.data, data.size_bytes});  // a later plan tries again
    throw;
  }
}

}  // namespace ingot
