// conv2d: x[n, c, h, w] with weights [o, c / groups, kh, kw] of any strides into a result whose axes lie in any order,
// in the order of docs/numerics.md: k is (kernel row, kernel column, channel of the group).
//
// Implicit products on the tiles of tile.h, one per group: lines are pixels, whose patches are gathered element by
// element on the way to shared memory (16 bytes of channels at once where they lie side by side), and outputs. The
// columns are whichever lie side by side in the result. A 1x1 convolution without padding is a product of strides.
// Few outputs per group would leave most of a tile empty: convolve_directly has a thread per channel and 4 pixels of a
// column, which share their weights; it reads its 9 or so inputs per output from the first-level cache.
#include "cuda/kernels/axes.h"
#include "cuda/kernels/copy.h"
#include "cuda/kernels/pixels.h"
#include "cuda/kernels/product.h"

namespace ingot::cuda {
namespace {

constexpr std::int64_t kFewOutputs = 8;

Conv make_conv(const KernelCall& call) {
  const TensorArg &x = call.inputs[0], &w = call.inputs[1], &y = call.outputs[0];
  const std::int64_t *stride = attr(call, 0), *padding = attr(call, 1), *dilation = attr(call, 2);
  const std::int64_t groups = *attr(call, 3);
  return {x,          w,          y,          x.shape[0],  groups,     w.shape[1], w.shape[0] / groups,
          x.shape[2], x.shape[3], y.shape[2], y.shape[3],  w.shape[2], w.shape[3], stride[0],
          stride[1],  padding[0], padding[1], dilation[0], dilation[1]};
}

std::int64_t depth(const Conv& c) {
  return c.kernel_height * c.kernel_width * c.channels;
}

// Whether every position in an image, padding included, fits 32 bits. Sizes and paddings are those of tensors that
// exist, or of a window that fits them, so that nothing here overflows 64.
bool fits_32_bits(const Conv& c) {
  constexpr std::int64_t kMost = (std::int64_t{1} << 31) - 1;
  const std::int64_t down = c.out_height * c.stride_y, across = c.out_width * c.stride_x;
  const std::int64_t patch_y = c.kernel_height * c.dilation_y, patch_x = c.kernel_width * c.dilation_x;
  for (const std::int64_t size : {c.height, c.width, down, across, patch_y, patch_x, c.top, c.left}) {
    if (size > kMost / 2) return false;
  }
  return true;
}

template <class T>
PatchLines<T> pixel_lines(const Conv& c) {
  const std::int64_t* const s = c.x.strides;
  const bool along = s[1] == 1 && c.channels > 1;
  bool pieces = along && c.channels % kPiece<T> == 0 && reinterpret_cast<std::uintptr_t>(c.x.data) % 16 == 0;
  for (const int axis : {0, 2, 3}) pieces = pieces && s[axis] % kPiece<T> == 0;
  return {.data = c.x.data,
          .group = c.channels * s[1],
          .image = s[0],
          .channel = s[1],
          .row = s[2],
          .column = s[3],
          .channels = c.channels,
          .height = static_cast<int>(c.height),
          .width = static_cast<int>(c.width),
          .out_height = static_cast<int>(c.out_height),
          .out_width = static_cast<int>(c.out_width),
          .kernel_width = static_cast<int>(c.kernel_width),
          .stride_y = static_cast<int>(c.stride_y),
          .stride_x = static_cast<int>(c.stride_x),
          .top = static_cast<int>(c.top),
          .left = static_cast<int>(c.left),
          .dilation_y = static_cast<int>(c.dilation_y),
          .dilation_x = static_cast<int>(c.dilation_x),
          .along_steps = along,
          .in_pieces = pieces};
}

// An output's weights are an image of which all is one patch.
template <class T>
PatchLines<T> weight_lines(const Conv& c) {
  Conv w = c;
  w.x = c.w;
  w.height = c.kernel_height, w.width = c.kernel_width;
  w.out_height = w.out_width = w.stride_y = w.stride_x = w.dilation_y = w.dilation_x = 1;
  w.top = w.left = 0;
  PatchLines<T> lines = pixel_lines<T>(w);
  lines.group = c.outputs * c.w.strides[0];
  return lines;
}

TensorArg one_axis(std::int64_t size, std::int64_t stride, char* data) {
  TensorArg x{};
  x.data = data;
  x.rank = 1, x.shape[0] = size, x.strides[0] = stride;
  return x;
}

// The pixels' axes: in the result, and with `in` where their first elements lie in x.
Axes pixel_axes(const Conv& c, bool in) {
  const std::int64_t *x = c.x.strides, *y = c.y.strides;
  Axes pixels{};
  append(pixels, {c.images, y[0], in ? x[0] : 0, 0});
  append(pixels, {c.out_height, y[2], in ? x[2] * c.stride_y : 0, 0});
  append(pixels, {c.out_width, y[3], in ? x[3] * c.stride_x : 0, 0});
  return pixels;
}

template <class Lines>
TileProduct<Lines> make_product(const Conv& c, const Lines& pixels, const Lines& weights, const Axes& pixel_axes) {
  const std::int64_t num_pixels = c.images * c.out_height * c.out_width;
  const bool outputs_last = c.y.strides[1] == 1;
  const TensorArg to_pixels = as_tensor(pixel_axes, c.y.data, &Axis::out);
  const TensorArg to_outputs = one_axis(c.outputs, c.y.strides[1], c.y.data);
  TileProduct<Lines> p{};
  p.a = outputs_last ? pixels : weights, p.b = outputs_last ? weights : pixels;
  p.rows = outputs_last ? to_pixels : to_outputs, p.columns = outputs_last ? to_outputs : to_pixels;
  p.num_rows = outputs_last ? num_pixels : c.outputs, p.num_columns = outputs_last ? c.outputs : num_pixels;
  p.batches = one_axis(c.groups, c.outputs * c.y.strides[1], c.y.data);
  p.num_batches = c.groups;
  p.k = p.part_steps = depth(c);
  p.num_parts = 1;
  using T = typename Lines::Element;
  p.stores_pieces = in_pieces<T>(p.columns, true) && in_pieces<T>(p.rows, false) && in_pieces<T>(p.batches, false);
  return p;
}

// As make_product has it.
ResultSpace space_of(const Conv& c) {
  const ResultAxes pixels = {{0, c.images, 1}, {2, c.out_height, 1}, {3, c.out_width, 1}};
  const ResultAxes outputs = {{1, c.outputs, 1}}, groups = {{1, c.groups, c.outputs}};
  const bool outputs_last = c.y.strides[1] == 1;
  return {groups, outputs_last ? pixels : outputs, outputs_last ? outputs : pixels};
}

// Products of strides: every pixel is its own patch.
template <class T>
TileProduct<StridedLines<T>> product_of_pixels(const Conv& c) {
  const Axes pixels = pixel_axes(c, true);
  const TensorArg groups_x = one_axis(c.groups, c.channels * c.x.strides[1], c.x.data);
  const TensorArg groups_w = one_axis(c.groups, c.outputs * c.w.strides[0], c.w.data);
  const std::int64_t k = c.channels;
  return make_product(c, make_lines<T>(as_tensor(pixels, c.x.data, &Axis::a), groups_x, c.x.strides[1], k),
                      make_lines<T>(one_axis(c.outputs, c.w.strides[0], c.w.data), groups_w, c.w.strides[1], k),
                      pixels);
}

template <class T>
TileProduct<PatchLines<T>> product_of_patches(const Conv& c) {
  return make_product(c, pixel_lines<T>(c), weight_lines<T>(c), pixel_axes(c, false));
}

// Weights whose channels lie apart would be read one 32-byte sector per element, again for every tile of pixels: they
// are laid as k counts them first, one pass over them.
bool needs_packing(const TensorArg& w) {
  return w.strides[1] != 1 && w.shape[1] > 1 && w.shape[2] * w.shape[3] > 1;
}

std::int64_t packed_bytes(const TensorArg& w) {
  return needs_packing(w) ? (num_elements(w) * device::element_bytes(w.dtype) + 255) / 256 * 256 : 0;
}

cudaError_t pack_weights(const Enqueue& e, TensorArg& w) {
  const std::int64_t channels = w.shape[1], row = w.shape[3] * channels;
  const std::int64_t strides[] = {w.shape[2] * row, 1, row, channels};
  const cudaError_t status = copy_into(e, e.workspace, strides, w);
  w.data = e.workspace;
  for (int i = 0; i < 4; ++i) w.strides[i] = strides[i];
  return status;
}

// Which way a convolution takes.
enum class Way { kDirect, kPixels, kPatches };

Way choose_way(const Conv& c) {
  if (c.outputs < kFewOutputs || depth(c) == 0 || !fits_32_bits(c)) return Way::kDirect;
  const bool pads = c.top != 0 || c.left != 0 || (c.out_height - 1) * c.stride_y >= c.height ||
                    (c.out_width - 1) * c.stride_x >= c.width;
  return c.kernel_height * c.kernel_width == 1 && !pads ? Way::kPixels : Way::kPatches;
}

template <class T>
cudaError_t enqueue_directly(const Enqueue& e, const Conv& c) {
  const std::int64_t bands = (c.out_height + kDown - 1) / kDown;
  const std::int64_t items = c.images * c.groups * c.outputs * bands * c.out_width;
  const PixelWork work = {c, e.guard, items};
  if (e.codes == nullptr) return launch(convolve_directly<T>, grid_for(items), kBlockThreads, 0, e.stream, work);
  const ResultAxes all = {{0, c.images, 1}, {1, c.groups * c.outputs, 1}, {2, c.out_height, 1}, {3, c.out_width, 1}};
  return launch_with_group(e, AnchorKernel::kPixels, work, {{}, {}, all}, grid_for(items));
}

template <class T>
cudaError_t enqueue(const Enqueue& e) {
  if (num_elements(e.call.outputs[0]) == 0) return cudaSuccess;
  Conv c = make_conv(e.call);
  const Way way = choose_way(c);
  if (way == Way::kDirect) return enqueue_directly<T>(e, c);
  if (way == Way::kPixels) {
    TileProduct<StridedLines<T>> p = product_of_pixels<T>(c);
    return multiply(e, p, space_of(c));
  }
  Enqueue rest = e;
  if (needs_packing(c.w)) {
    const cudaError_t status = pack_weights(e, c.w);
    if (status != cudaSuccess) return status;
    rest.workspace += packed_bytes(e.call.inputs[1]);
  }
  TileProduct<PatchLines<T>> p = product_of_patches<T>(c);
  return multiply(rest, p, space_of(c));
}

template <class T>
AnchorKernels anchor_kernels(const KernelCall& call, std::int32_t num_processors) {
  const Conv c = make_conv(call);
  if (are_sizes_known(call)) {
    const Way way = choose_way(c);
    if (way == Way::kDirect) return {AnchorKernel::kPixels};
    if (way == Way::kPatches)
      return {anchor_kernel<PatchLines<T>>(choose_tiles(product_of_patches<T>(c), num_processors))};
    return {anchor_kernel<StridedLines<T>>(choose_tiles(product_of_pixels<T>(c), num_processors))};
  }
  if (c.outputs > 0 && c.outputs < kFewOutputs) return {AnchorKernel::kPixels};
  const bool one = c.kernel_height * c.kernel_width == 1 && c.top == 0 && c.left == 0;
  AnchorKernels all = anchor_kernels_of_any_size<PatchLines<T>>(depth(c));
  if (one) all.add(anchor_kernels_of_any_size<StridedLines<T>>(depth(c)));
  all.add(AnchorKernel::kPixels);
  return all;
}

template <class T>
std::int64_t workspace_bytes(const KernelCall& call) {
  const TensorArg& w = call.inputs[1];
  return packed_bytes(w) + parts_bytes(num_elements(call.outputs[0]), w.shape[1] * w.shape[2] * w.shape[3], sizeof(T));
}

const DeviceKernel kKernels[] = {
    {"conv2d", device::kF32Type, enqueue<float>, workspace_bytes<float>, anchor_kernels<float>},
    {"conv2d", device::kF64Type, enqueue<double>, workspace_bytes<double>, anchor_kernels<double>},
};

}  // namespace

const DeviceKernelFamily kConvKernels = {kKernels, 2};

}  // namespace ingot::cuda
