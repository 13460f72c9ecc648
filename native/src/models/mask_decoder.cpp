#include "models/mask_decoder.h"

#include <vector>

#include "core/error.h"
#include "nn/layer_norm_2d.h"

namespace automed::models {
namespace {

constexpr std::int64_t kHypernetworkDepth = 3;

}  // namespace

MaskDecoderImpl::MaskDecoderImpl(std::int64_t channels, const DecoderConfig& config)
    : mask_tokens_(config.multimask_outputs + 1) {
  transformer = register_module("transformer", TwoWayTransformer(channels, config));
  iou_token = register_module("iou_token", torch::nn::Embedding(1, channels));
  mask_tokens = register_module("mask_tokens", torch::nn::Embedding(mask_tokens_, channels));
  const auto twice = [](std::int64_t from, std::int64_t to) {
    return torch::nn::ConvTranspose2d(torch::nn::ConvTranspose2dOptions(from, to, 2).stride(2));
  };
  output_upscaling =
      register_module("output_upscaling",
                      torch::nn::Sequential(twice(channels, channels / 4), nn::LayerNorm2d(channels / 4),
                                            torch::nn::GELU(), twice(channels / 4, channels / 8), torch::nn::GELU()));
  output_hypernetworks_mlps = register_module("output_hypernetworks_mlps", torch::nn::ModuleList());
  for (std::int64_t i = 0; i < mask_tokens_; ++i) {
    output_hypernetworks_mlps->push_back(nn::MLP(channels, channels, channels / 8, kHypernetworkDepth));
  }
  iou_prediction_head =
      register_module("iou_prediction_head", nn::MLP(channels, config.iou_hidden, mask_tokens_, config.iou_depth));
}

MaskPrediction MaskDecoderImpl::forward(const torch::Tensor& embedding, const torch::Tensor& image_pe,
                                        const torch::Tensor& sparse, const torch::Tensor& dense, bool multimask) {
  const std::int64_t batch = sparse.size(0);
  if ((embedding.size(0) != batch && embedding.size(0) != 1) || dense.size(0) != batch) {
    throw Error(ErrorCode::kShapeMismatch, "there must be one image embedding, or one for each prompt", "embedding");
  }
  const torch::Tensor outputs = torch::cat({iou_token->weight, mask_tokens->weight});     // 1+masks,C
  const torch::Tensor tokens = torch::cat({outputs.expand({batch, -1, -1}), sparse}, 1);  // B,1+masks+N,C
  const torch::Tensor image = embedding + dense;                                          // B,C,g,g
  const auto [decoded, keys] = transformer->forward(image, image_pe, tokens);
  const torch::Tensor map = keys.transpose(1, 2).view(image.sizes());  // B,C,g,g
  const torch::Tensor upscaled = output_upscaling->forward(map);       // B,C/8,4g,4g

  // Only the masks that are asked for: each has its own hypernetwork.
  const std::int64_t first = multimask ? 1 : 0;
  const std::int64_t count = multimask ? mask_tokens_ - 1 : 1;
  std::vector<torch::Tensor> weights;
  for (std::int64_t i = first; i < first + count; ++i) {
    weights.push_back(
        output_hypernetworks_mlps->ptr<nn::MLPImpl>(static_cast<std::size_t>(i))->forward(decoded.select(1, 1 + i)));
  }
  const torch::Tensor masks = torch::matmul(torch::stack(weights, 1), upscaled.flatten(2));  // B,n,16gg
  const torch::Tensor iou = iou_prediction_head->forward(decoded.select(1, 0));              // B,masks
  return {masks.view({batch, count, upscaled.size(2), upscaled.size(3)}), iou.narrow(1, first, count)};
}

}  // namespace automed::models
