#include "train/gradient_buckets.h"

#include <torch/csrc/autograd/function_hook.h>
#include <torch/csrc/autograd/variable.h>

#include <algorithm>
#include <utility>

namespace automed::train {

/// Tells the buckets that a parameter's gradient is complete.
class ReadyHook : public torch::autograd::PostAccumulateGradHook {
 public:
  ReadyHook(GradientBuckets& buckets, std::size_t parameter) : buckets_(buckets), parameter_(parameter) {}
  void operator()(const torch::autograd::Variable& /*tensor*/) override { buckets_.gradient_ready(parameter_); }

 private:
  GradientBuckets& buckets_;
  std::size_t parameter_;
};

GradientBuckets::GradientBuckets(Collective& collective, std::vector<torch::Tensor> parameters,
                                 std::size_t bucket_bytes)
    : collective_(collective), parameters_(std::move(parameters)), ready_(parameters_.size()) {
  std::reverse(parameters_.begin(), parameters_.end());
  std::size_t elements = 0;
  const auto close = [&](std::size_t last) {
    if (elements == 0) return;
    auto& bucket = buckets_.back();
    bucket.last = last;
    bucket.values = torch::empty({static_cast<std::int64_t>(elements)}, parameters_[bucket.first].options());
  };
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    const auto size = static_cast<std::size_t>(parameters_[i].numel());
    if (elements == 0 || (elements + size) * sizeof(float) > bucket_bytes) {
      close(i);
      buckets_.emplace_back().first = i;
      elements = 0;
    }
    offsets_.push_back(elements);
    bucket_of_.push_back(buckets_.size() - 1);
    elements += size;
    torch::autograd::impl::set_post_acc_grad_hooks(parameters_[i], std::make_unique<ReadyHook>(*this, i));
  }
  close(parameters_.size());
}

GradientBuckets::~GradientBuckets() {
  for (const auto& parameter : parameters_) torch::autograd::impl::set_post_acc_grad_hooks(parameter, nullptr);
}

void GradientBuckets::gradient_ready(std::size_t parameter) {
  if (!armed_ || ready_[parameter]) return;
  ready_[parameter] = true;
  --buckets_[bucket_of_[parameter]].missing;
  while (started_ < buckets_.size() && buckets_[started_].missing == 0) start(buckets_[started_]);
}

void GradientBuckets::start(Bucket& bucket) {
  const torch::NoGradGuard no_grad;
  for (std::size_t i = bucket.first; i < bucket.last; ++i) {
    const auto& parameter = parameters_[i];
    const auto slot = bucket.values.narrow(0, static_cast<std::int64_t>(offsets_[i]), parameter.numel());
    if (parameter.grad().defined()) {
      slot.view_as(parameter).copy_(parameter.grad());
    } else {
      slot.zero_();
    }
  }
  bucket.sum = collective_.start_sum(bucket.values);
  ++started_;
}

void GradientBuckets::backward(const torch::Tensor& loss) {
  std::fill(ready_.begin(), ready_.end(), false);
  for (auto& bucket : buckets_) bucket.missing = bucket.last - bucket.first;
  started_ = 0;
  armed_ = true;
  loss.backward();
  armed_ = false;
  finish();
}

void GradientBuckets::finish() {
  const torch::NoGradGuard no_grad;
  while (started_ < buckets_.size()) start(buckets_[started_]);
  std::vector<float> defined;
  for (const auto& parameter : parameters_) defined.push_back(parameter.grad().defined() ? 1.0F : 0.0F);
  const torch::Tensor users = torch::tensor(defined);
  collective_.sum(users);
  for (auto& bucket : buckets_) {
    bucket.sum->wait();
    bucket.sum.reset();
    for (std::size_t i = bucket.first; i < bucket.last; ++i) {
      if (users[static_cast<std::int64_t>(i)].item<float>() == 0) continue;
      auto& parameter = parameters_[i];
      const auto total =
          bucket.values.narrow(0, static_cast<std::int64_t>(offsets_[i]), parameter.numel()).view_as(parameter);
      if (parameter.grad().defined()) {
        parameter.mutable_grad().copy_(total);
      } else {
        parameter.mutable_grad() = total.clone();
      }
    }
  }
}

}  // namespace automed::train
