#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <optional>

#include "models/config.h"
#include "nn/position_encoding.h"

namespace automed::models {

/// Points in pixels of the model's input image. Labels: 1 foreground, 0 background, -1 not a point (padding).
struct PointPrompt {
  torch::Tensor coords;  // B,N,2 as x,y
  torch::Tensor labels;  // B,N
};

struct PromptEmbedding {
  torch::Tensor sparse;  // B,tokens,C
  torch::Tensor dense;   // B,C,grid,grid
};

/// SAM's prompt encoder (`PromptEncoder`): points, boxes and masks -> tokens and a dense map. Unlike SAM-Med2D's copy
/// it leaves its embeddings alone, so that training reaches them.
class PromptEncoderImpl : public torch::nn::Module {
 public:
  explicit PromptEncoderImpl(const EncoderConfig& config);

  /// `boxes` [B, 4] as x0, y0, x1, y1 in pixels; `masks` [B, 1, 4 * grid, 4 * grid] logits. The batch is that of the
  /// prompts given, `batch` when there are none. Throws kShapeMismatch.
  PromptEmbedding forward(const std::optional<PointPrompt>& points, const std::optional<torch::Tensor>& boxes,
                          const std::optional<torch::Tensor>& masks, std::int64_t batch = 1);

  /// Encoding of the embedding's grid: [1, C, grid, grid]
  torch::Tensor dense_pe() const;
  /// For inference: computes dense_pe() once and for all.
  void keep_dense_pe() { dense_pe_ = dense_pe(); }
  /// The dense embedding of "no mask": [B, C, grid, grid], a view
  torch::Tensor no_mask(std::int64_t batch) const;
  /// The positional encoding's frozen matrix: [2, C / 2]
  const torch::Tensor& gaussian() const { return pe_layer->gaussian(); }

 private:
  torch::Tensor embed_points(const PointPrompt& points, bool pad);
  torch::Tensor embed_boxes(const torch::Tensor& boxes);

  std::int64_t image_size_, grid_, channels_;
  nn::PositionEncoding pe_layer{nullptr};
  torch::nn::ModuleList point_embeddings;  // background, foreground, first corner, second corner
  torch::nn::Embedding not_a_point_embed{nullptr};
  torch::nn::Sequential mask_downscaling;  // 1,4*grid,4*grid -> C,grid,grid
  torch::nn::Embedding no_mask_embed{nullptr};
  torch::Tensor dense_pe_;  // undefined until it is kept
};
TORCH_MODULE(PromptEncoder);

}  // namespace automed::models
