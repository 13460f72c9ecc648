#include "models/mask_decoder.h"

#include <algorithm>
#include <string>
#include <vector>

#include "core/error.h"
#include "nn/layer_norm_2d.h"

namespace automed::models {
namespace {

constexpr std::int64_t kHypernetworkDepth = 3;
/// One point and its padding, or one box.
constexpr std::int64_t kPromptTokens = 2;

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
                                        const torch::Tensor& sparse, const torch::Tensor& dense, bool multimask,
                                        const BetweenSteps& between) {
  // Only the masks that are asked for: each has its own hypernetwork.
  return multimask ? predict(embedding, image_pe, sparse, dense, 1, mask_tokens_ - 1, between)
                   : predict(embedding, image_pe, sparse, dense, 0, 1, between);
}

MaskPrediction MaskDecoderImpl::all_masks(const torch::Tensor& embedding, const torch::Tensor& image_pe,
                                          const torch::Tensor& sparse, const torch::Tensor& dense,
                                          const BetweenSteps& between) {
  return predict(embedding, image_pe, sparse, dense, 0, mask_tokens_, between);
}

MaskPrediction MaskDecoderImpl::predict(const torch::Tensor& embedding, const torch::Tensor& image_pe,
                                        const torch::Tensor& sparse, const torch::Tensor& dense, std::int64_t first,
                                        std::int64_t count, const BetweenSteps& between) {
  const std::int64_t batch = sparse.size(0);
  if ((embedding.size(0) != batch && embedding.size(0) != 1) || dense.size(0) != batch) {
    throw Error(ErrorCode::kShapeMismatch, "there must be one image embedding, or one for each prompt", "embedding");
  }
  const torch::Tensor outputs = torch::cat({iou_token->weight, mask_tokens->weight});     // 1+masks,C
  const torch::Tensor tokens = torch::cat({outputs.expand({batch, -1, -1}), sparse}, 1);  // B,1+masks+N,C
  const torch::Tensor image = embedding + dense;                                          // B,C,g,g
  const auto [decoded, keys] = transformer->forward(image, image_pe, tokens, between);
  look_up(between);
  std::vector<torch::Tensor> weights;
  for (std::int64_t i = first; i < first + count; ++i) {
    weights.push_back(
        output_hypernetworks_mlps->ptr<nn::MLPImpl>(static_cast<std::size_t>(i))->forward(decoded.select(1, 1 + i)));
  }
  const torch::Tensor masks = draw(keys, torch::stack(weights, 1), image.size(2));  // B,n,4g,4g
  const torch::Tensor iou = iou_prediction_head->forward(decoded.select(1, 0));     // B,masks
  return {masks, iou.narrow(1, first, count)};
}

torch::Tensor MaskDecoderImpl::draw(const torch::Tensor& keys, const torch::Tensor& weights, std::int64_t grid) {
  const std::int64_t batch = keys.size(0), count = weights.size(1), side = 4 * grid;
  if (!first_doubling_ || !second_doubling_) {
    const torch::Tensor map = keys.transpose(1, 2).view({batch, keys.size(2), grid, grid});  // B,C,g,g
    const torch::Tensor upscaled = output_upscaling->forward(map);                           // B,C/8,4g,4g
    return torch::matmul(weights, upscaled.flatten(2)).view({batch, count, side, side});
  }
  torch::Tensor x = first_doubling_->weight.multiply(keys, first_doubling_->bias, nn::Activation::kNone)
                        .view({batch, grid * grid, 4, -1});  // B,gg,4,C/4
  x = torch::gelu(output_upscaling->at<nn::LayerNorm2dImpl>(1).forward_last(x));
  x = second_doubling_->weight.multiply(x, second_doubling_->bias, nn::Activation::kGelu)
          .view({batch, grid * grid * 16, -1});  // B,gg16,C/8
  // Only the masks, a number a position, are brought into the order of rows and columns.
  return torch::matmul(weights, x.transpose(1, 2))
      .view({batch, count, grid, grid, 2, 2, 2, 2})
      .permute({0, 1, 2, 4, 6, 3, 5, 7})
      .reshape({batch, count, side, side});
}

std::optional<MaskDecoderImpl::Doubling> MaskDecoderImpl::pack_doubling(nn::Packer& packer,
                                                                        torch::nn::ConvTranspose2dImpl& layer,
                                                                        std::int64_t rows) {
  // from,to,2,2 -> 2,2,to,from
  auto packed = packer.pack(layer.weight.permute({2, 3, 1, 0}).flatten(0, 2), rows);
  if (!packed) return std::nullopt;
  return Doubling{std::move(*packed), layer.bias.repeat({4})};
}

void MaskDecoderImpl::pack(nn::Packer& packer, std::int64_t grid) {
  if (first_doubling_) return;
  const torch::NoGradGuard no_grad;
  transformer->pack(packer, kPromptTokens + 1 + mask_tokens_, grid * grid);
  auto& first = output_upscaling->at<torch::nn::ConvTranspose2dImpl>(0);
  auto& second = output_upscaling->at<torch::nn::ConvTranspose2dImpl>(3);
  first_doubling_ = pack_doubling(packer, first, grid * grid);
  second_doubling_ = pack_doubling(packer, second, 4 * grid * grid);
  if (!first_doubling_ || !second_doubling_) return;
  for (auto* layer : {&first, &second}) layer->weight.set_data(torch::empty({0}, layer->weight.options()));
}

void adopt_weights(const MaskDecoderImpl& from, MaskDecoderImpl& to) {
  const torch::NoGradGuard no_grad;
  const auto sources = from.named_parameters();
  const std::string hypernetworks = "output_hypernetworks_mlps.";
  for (auto& item : to.named_parameters()) {
    std::string name = item.key();
    if (name.starts_with(hypernetworks)) {
      const auto dot = name.find('.', hypernetworks.size());
      const std::int64_t token = std::stoll(name.substr(hypernetworks.size(), dot - hypernetworks.size()));
      name = hypernetworks + std::to_string(token % from.token_count()) + name.substr(dot);
    }
    const torch::Tensor& source = sources[name];
    torch::Tensor& target = item.value();
    // Tokens are rows, of the table of mask tokens and of the IoU head's last layer.
    const std::int64_t rows = source.size(0);
    for (std::int64_t row = 0; row < target.size(0); row += rows) {
      const std::int64_t count = std::min(rows, target.size(0) - row);
      target.narrow(0, row, count).copy_(source.narrow(0, 0, count));
    }
  }
}

}  // namespace automed::models
