#include "models/prompt_encoder.h"

#include <vector>

#include "core/error.h"
#include "nn/layer_norm_2d.h"

namespace automed::models {
namespace {

constexpr std::int64_t kMaskChannels = 16;  // SAM's `mask_in_chans`
constexpr std::int64_t kPointKinds = 4;
constexpr std::int64_t kMaskScale = 4;  // mask pixels per token

void require(bool condition, const char* message, const char* field) {
  if (!condition) throw Error(ErrorCode::kShapeMismatch, message, field);
}

}  // namespace

PromptEncoderImpl::PromptEncoderImpl(const EncoderConfig& config)
    : image_size_(config.image_size), grid_(config.grid()), channels_(config.out_channels) {
  pe_layer = register_module("pe_layer", nn::PositionEncoding(channels_));
  point_embeddings = register_module("point_embeddings", torch::nn::ModuleList());
  for (std::int64_t i = 0; i < kPointKinds; ++i) point_embeddings->push_back(torch::nn::Embedding(1, channels_));
  not_a_point_embed = register_module("not_a_point_embed", torch::nn::Embedding(1, channels_));
  const auto halve = [](std::int64_t from, std::int64_t to) {
    return torch::nn::Conv2d(torch::nn::Conv2dOptions(from, to, 2).stride(2));
  };
  constexpr std::int64_t kFirst = kMaskChannels / 4;
  mask_downscaling = register_module(
      "mask_downscaling",
      torch::nn::Sequential(halve(1, kFirst), nn::LayerNorm2d(kFirst), torch::nn::GELU(), halve(kFirst, kMaskChannels),
                            nn::LayerNorm2d(kMaskChannels), torch::nn::GELU(),
                            torch::nn::Conv2d(torch::nn::Conv2dOptions(kMaskChannels, channels_, 1))));
  no_mask_embed = register_module("no_mask_embed", torch::nn::Embedding(1, channels_));
}

torch::Tensor PromptEncoderImpl::embed_points(const PointPrompt& points, bool pad) {
  torch::Tensor coords = points.coords + 0.5;  // to pixel centres
  torch::Tensor labels = points.labels.to(coords.device());
  if (pad) {
    // SAM pads with a "not a point" when no box is given, so that one point and one box look alike.
    coords = torch::cat({coords, torch::zeros({coords.size(0), 1, 2}, coords.options())}, 1);
    labels = torch::cat({labels, -torch::ones({labels.size(0), 1}, labels.options())}, 1);
  }
  const torch::Tensor kind = labels.unsqueeze(-1);  // B,N,1
  const torch::Tensor encoded = pe_layer->points(coords, image_size_, image_size_);
  const auto weight = [this](std::size_t i) { return point_embeddings->ptr<torch::nn::EmbeddingImpl>(i)->weight; };
  // Labels other than 0 and 1 add nothing; -1 replaces the position as well.
  torch::Tensor tokens = torch::where(kind == -1, not_a_point_embed->weight, encoded);
  tokens = torch::where(kind == 0, tokens + weight(0), tokens);
  return torch::where(kind == 1, tokens + weight(1), tokens);  // B,N,C
}

torch::Tensor PromptEncoderImpl::embed_boxes(const torch::Tensor& boxes) {
  const torch::Tensor corners = (boxes + 0.5).reshape({-1, 2, 2});
  const torch::Tensor kinds = torch::cat({point_embeddings->ptr<torch::nn::EmbeddingImpl>(2)->weight,
                                          point_embeddings->ptr<torch::nn::EmbeddingImpl>(3)->weight});
  return pe_layer->points(corners, image_size_, image_size_) + kinds;  // B,2,C
}

PromptEmbedding PromptEncoderImpl::forward(const std::optional<PointPrompt>& points,
                                           const std::optional<torch::Tensor>& boxes,
                                           const std::optional<torch::Tensor>& masks, std::int64_t batch) {
  const std::int64_t mask_edge = kMaskScale * grid_;
  if (points) {
    require(points->coords.dim() == 3 && points->coords.size(2) == 2, "points must be of shape B,N,2", "points");
    require(points->labels.dim() == 2 && points->labels.sizes() == points->coords.sizes().slice(0, 2),
            "every point needs one label", "labels");
    batch = points->coords.size(0);
  }
  if (boxes) {
    require(boxes->dim() == 2 && boxes->size(1) == 4, "boxes must be of shape B,4", "boxes");
    require(!points || boxes->size(0) == batch, "there must be one box for each set of points", "boxes");
    batch = boxes->size(0);
  }
  if (masks) {
    require(masks->dim() == 4 && masks->size(1) == 1 && masks->size(2) == mask_edge && masks->size(3) == mask_edge,
            "mask prompts must be of shape B,1,S,S with four pixels per token", "masks");
    require(!(points || boxes) || masks->size(0) == batch, "there must be one mask for each prompt", "masks");
    batch = masks->size(0);
  }
  std::vector<torch::Tensor> tokens;
  if (points) tokens.push_back(embed_points(*points, /*pad=*/!boxes));
  if (boxes) tokens.push_back(embed_boxes(*boxes));
  PromptEmbedding result;
  result.sparse = tokens.empty() ? torch::empty({batch, 0, channels_}, no_mask_embed->weight.options())
                                 : torch::cat(tokens, 1);  // B,tokens,C
  result.dense = masks ? mask_downscaling->forward(*masks) : no_mask(batch);
  return result;
}

torch::Tensor PromptEncoderImpl::dense_pe() const {
  return dense_pe_.defined() ? dense_pe_ : pe_layer->grid(grid_, grid_).unsqueeze(0);
}

torch::Tensor PromptEncoderImpl::no_mask(std::int64_t batch) const {
  return no_mask_embed->weight.view({1, channels_, 1, 1}).expand({batch, channels_, grid_, grid_});
}

}  // namespace automed::models
