// A fused group as machine code of its own: generated (codegen.h), compiled (nvrtc.h), kept (cache.h), launched.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "cuda/codegen.h"
#include "cuda/kernel.h"

namespace ingot::cuda {

struct DeleteGroupCode {
  void operator()(GroupCode* code) const;
};
using OwnedGroupCode = std::unique_ptr<GroupCode, DeleteGroupCode>;

// The code of request.group, or (of "attention") of both products with the group between them, for the current device,
// which has this compute capability. Equal groups share it. Null, with `why` (one line), where there is no compiler, or
// the group is of a kind that no code is generated for (one with an anchor). cache_folder: where compiled code is kept
// from process to process; "": nowhere.
OwnedGroupCode make_group_code(const DeviceStepRequest& request, int major, int minor, const char* cache_folder,
                               std::string* why);

// The same for a group with an anchor, whose register 0 is counted among the inputs, as part of this kernel of the
// anchor's.
OwnedGroupCode make_anchored_code(const DeviceGroup& group, AnchorKernel kernel, int major, int minor,
                                  const char* cache_folder, std::string* why);

// What the generator says of the code, whose text it is not kept with.
const GroupSource& source_of(const GroupCode& code);

// Of attention: the shared memory that a launch may ask for.
std::int64_t shared_bytes_of(const GroupCode& code);

// Of attention and of groups with an anchor: blocks of kGroupBlock threads.
cudaError_t launch_group_code(const GroupCode& code, unsigned grid, std::size_t shared_bytes, cudaStream_t stream,
                              void* arguments);

// Enqueues the group on enqueue.call. Any sizes and strides; an output may lie on an input as execute/kernel.h says.
cudaError_t enqueue_group(const GroupCode& code, const Enqueue& enqueue);

// Of one launch: none.
std::int64_t group_workspace_bytes(const GroupCode& code, const KernelCall& call);

// For people: "group of 5 ops".
std::string count_ops(const DeviceGroup& group);
// "group of 5 ops by nvrtc 13.0". Lives as long as the code.
const char* describe_group(const GroupCode& code);

}  // namespace ingot::cuda
