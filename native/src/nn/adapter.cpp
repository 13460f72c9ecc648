#include "nn/adapter.h"

#include <ATen/autocast_mode.h>

namespace automed::nn {
namespace {

constexpr std::int64_t kSqueeze = 4;
constexpr std::int64_t kDownKernel = 3, kUpKernel = 4, kStride = 2, kPadding = 1;

/// Up to this many positions of the halved grid (over the batch) the detour is two matrix products.
constexpr std::int64_t kMaxProductRows = 512;

/// A CPU's convolution first brings its weights, 59 MB in a block of ViT-B, into another order: for the 16 x 16 grid of
/// one image that takes three times as long as the convolutions themselves (95 ms and 22 ms on one thread). A matrix
/// product takes the weights as they are: 29 ms, and no second copy of them.
bool prefers_products(const torch::Tensor& x) {
  return x.is_cpu() && x.scalar_type() == torch::kFloat32 && !torch::GradMode::is_enabled() &&
         !at::autocast::is_autocast_enabled(at::kCPU) &&
         x.size(0) * (x.size(1) / kStride) * (x.size(2) / kStride) <= kMaxProductRows;
}

/// The convolution that halves the grid. [B, H, W, C] -> [B, H / 2, W / 2, C]
torch::Tensor convolve_down(const torch::Tensor& x, const torch::Tensor& weight) {
  const std::int64_t batch = x.size(0), down = x.size(1) / kStride, across = x.size(2) / kStride;
  const torch::Tensor columns = torch::constant_pad_nd(x, {0, 0, kPadding, kPadding, kPadding, kPadding})
                                    .unfold(1, kDownKernel, kStride)
                                    .unfold(2, kDownKernel, kStride)
                                    .reshape({batch * down * across, -1});  // B*H/2*W/2,C*3*3
  return torch::mm(columns, weight.flatten(1).t()).view({batch, down, across, -1});
}

/// As `convolve_down`, ReLU included, with a weight [C, 3 * 3 * C] whose channels run fastest, as those of x do.
torch::Tensor packed_down(const torch::Tensor& x, const PackedWeight& weight) {
  const std::int64_t batch = x.size(0), down = x.size(1) / kStride, across = x.size(2) / kStride;
  const torch::Tensor columns = torch::constant_pad_nd(x, {0, 0, kPadding, kPadding, kPadding, kPadding})
                                    .unfold(1, kDownKernel, kStride)
                                    .unfold(2, kDownKernel, kStride)
                                    .permute({0, 1, 2, 4, 5, 3})
                                    .reshape({batch * down * across, -1});  // B*H/2*W/2,3*3*C
  return weight.multiply(columns, {}, Activation::kRelu).view({batch, down, across, -1});
}

/// What each position gives to the 4 x 4 it reaches, added up. shares [B, h, w, 4, 4, C] -> [B, 2h, 2w, C]
torch::Tensor gather_up(const torch::Tensor& shares) {
  const std::int64_t down = kStride * shares.size(1), across = kStride * shares.size(2);
  torch::Tensor sum =
      torch::zeros({shares.size(0), down + 2 * kPadding, across + 2 * kPadding, shares.size(5)}, shares.options());
  for (std::int64_t row = 0; row < kUpKernel; ++row) {
    for (std::int64_t column = 0; column < kUpKernel; ++column) {
      sum.slice(1, row, row + down, kStride)
          .slice(2, column, column + across, kStride)
          .add_(shares.select(4, column).select(3, row));
    }
  }
  return sum.narrow(1, kPadding, down).narrow(2, kPadding, across);
}

/// The transposed convolution that doubles the grid. [B, h, w, C] -> [B, 2h, 2w, C]
torch::Tensor convolve_up(const torch::Tensor& x, const torch::Tensor& weight) {
  const std::int64_t batch = x.size(0), height = x.size(1), width = x.size(2), channels = weight.size(1);
  const torch::Tensor shares = torch::mm(x.reshape({-1, x.size(3)}), weight.flatten(1))
                                   .view({batch, height, width, channels, kUpKernel, kUpKernel});
  return gather_up(shares.permute({0, 1, 2, 4, 5, 3}));
}

/// As `convolve_up` with a weight [4 * 4 * C, C] whose channels run fastest.
torch::Tensor packed_up(const torch::Tensor& x, const PackedWeight& weight) {
  const std::int64_t batch = x.size(0), height = x.size(1), width = x.size(2);
  return gather_up(weight.multiply(x.reshape({-1, x.size(3)}), {}, Activation::kNone)
                       .view({batch, height, width, kUpKernel, kUpKernel, -1}));
}

// Weights for packing are rearranged in two steps, which LibTorch copies block by block and row by row; at once it
// would go from one value to the next across the whole of memory.

/// to,from,h,w -> to,hw from
torch::Tensor rows_of_down(Packer& packer, const torch::Tensor& weight) {
  const auto to = weight.size(0), from = weight.size(1), taps = weight.size(2) * weight.size(3);
  const auto by_tap = packer.scratch(0, {taps, to * from}, weight.options()).copy_(weight.reshape({-1, taps}).t());
  return packer.scratch(1, {to, taps, from}, weight.options())
      .copy_(by_tap.view({taps, to, from}).transpose(0, 1))
      .flatten(1);
}

/// from,to,h,w -> hw to,from
torch::Tensor rows_of_up(Packer& packer, const torch::Tensor& weight) {
  const auto from = weight.size(0), to = weight.size(1), taps = weight.size(2) * weight.size(3);
  const auto by_target =
      packer.scratch(0, {to, from, taps}, weight.options()).copy_(weight.reshape({from, to, taps}).transpose(0, 1));
  return packer.scratch(1, {taps, to * from}, weight.options()).copy_(by_target.view({-1, taps}).t()).view({-1, from});
}

}  // namespace

AdapterImpl::AdapterImpl(std::int64_t width) {
  norm = register_module("norm", torch::nn::LayerNorm(torch::nn::LayerNormOptions({width})));
  const auto linear = [](std::int64_t from, std::int64_t to) {
    return torch::nn::Linear(torch::nn::LinearOptions(from, to).bias(false));
  };
  channel = register_module("channel", torch::nn::Sequential(linear(width, width / kSqueeze), torch::nn::ReLU(),
                                                             linear(width / kSqueeze, width), torch::nn::Sigmoid()));
  const auto down = torch::nn::Conv2dOptions(width, width, kDownKernel).stride(kStride).padding(kPadding).bias(false);
  const auto up =
      torch::nn::ConvTranspose2dOptions(width, width, kUpKernel).stride(kStride).padding(kPadding).bias(false);
  spatial = register_module("spatial", torch::nn::Sequential(torch::nn::Conv2d(down), torch::nn::ReLU(),
                                                             torch::nn::ConvTranspose2d(up), torch::nn::ReLU()));
  for (auto& parameter : parameters()) {
    if (parameter.dim() > 1) torch::nn::init::kaiming_normal_(parameter, 0, torch::kFanOut, torch::kReLU);
  }
}

torch::Tensor AdapterImpl::forward(const torch::Tensor& x) {
  const torch::Tensor gate = channel->forward(x.mean(torch::IntArrayRef{1, 2}));  // B,C
  return norm->forward(x + detour(x * gate.unsqueeze(1).unsqueeze(1)));           // B,H,W,C
}

void AdapterImpl::pack(Packer& packer, std::int64_t grid) {
  if (down_) return;
  const torch::NoGradGuard no_grad;
  auto& down = spatial->at<torch::nn::Conv2dImpl>(0).weight;         // C,C,3,3: to, from
  auto& up = spatial->at<torch::nn::ConvTranspose2dImpl>(2).weight;  // C,C,4,4: from, to
  const std::int64_t rows = (grid / kStride) * (grid / kStride);
  auto packed_down = packer.pack(rows_of_down(packer, down), rows);  // C,9C
  auto packed_up = packer.pack(rows_of_up(packer, up), rows);        // 16C,C
  if (!packed_down || !packed_up) return;
  down_ = std::move(packed_down);
  up_ = std::move(packed_up);
  down.set_data(torch::empty({0}, down.options()));
  up.set_data(torch::empty({0}, up.options()));
}

torch::Tensor AdapterImpl::detour(const torch::Tensor& gated) {
  if (down_) return packed_up(packed_down(gated, *down_), *up_).relu_();
  if (!prefers_products(gated)) return spatial->forward(gated.permute({0, 3, 1, 2})).permute({0, 2, 3, 1});
  const torch::Tensor halved = convolve_down(gated, spatial->at<torch::nn::Conv2dImpl>(0).weight).relu_();
  return convolve_up(halved, spatial->at<torch::nn::ConvTranspose2dImpl>(2).weight).relu_();
}

}  // namespace automed::nn
