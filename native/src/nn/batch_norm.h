#pragma once

#include <torch/torch.h>

namespace automed::nn {

/// A batch that several processes hold parts of.
class SharedBatch : public torch::CustomClassHolder {
 public:
  /// Replaces `tensor` by the sum over the processes. Every process makes the same calls in the same order.
  virtual void sum(const torch::Tensor& tensor) = 0;
  /// False while this process has none of the batch and computes on a stand-in only to keep step with the others.
  virtual bool contributes() const = 0;
};

/// Batch norm over images (`BatchNorm2d`, same parameters and buffers under the same names) whose statistics are, in
/// training, those of the whole batch when the batch is spread over several processes; LibTorch's C++ interface has no
/// such module. Forward reduces the sum and the sum of squares, backward the sums of the two gradients.
/// [B, C, H, W] -> [B, C, H, W]
class BatchNormImpl : public torch::nn::BatchNorm2dImpl {
 public:
  using torch::nn::BatchNorm2dImpl::BatchNorm2dImpl;
  torch::Tensor forward(const torch::Tensor& x);
  /// Null: the batch is in this process.
  void share(c10::intrusive_ptr<SharedBatch> batch) { batch_ = std::move(batch); }

 private:
  c10::intrusive_ptr<SharedBatch> batch_;
};
TORCH_MODULE(BatchNorm);

/// Makes every batch norm in `module` take its statistics from the shared batch.
void share_batch_norm(torch::nn::Module& module, const c10::intrusive_ptr<SharedBatch>& batch);

}  // namespace automed::nn
