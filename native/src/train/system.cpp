#include "train/system.h"

#include "core/error.h"
#include "train/precision.h"

namespace automed::train {
namespace {

constexpr const char* kEncoder = "image_encoder.";

}  // namespace

System::System(models::Sam base, TrainedPart train) : base_(std::move(base)), train_(train) {
  for (auto& parameter : base_->parameters()) parameter.set_requires_grad(false);
  if (train_ == TrainedPart::kHead) return;
  bool any = false;
  for (auto& item : base_->image_encoder->named_parameters()) {
    const bool adapter = item.key().find(".Adapter.") != std::string::npos;
    if (train_ == TrainedPart::kAdapters && !adapter) continue;
    item.value().set_requires_grad(true);
    any = true;
  }
  if (!any) throw Error(ErrorCode::kInvalidArgument, "the base has no adapters to train", "train");
}

std::vector<torch::Tensor> System::trainable_parameters() {
  std::vector<torch::Tensor> parameters;
  for (const auto& [name, module] : modules()) {
    for (const auto& parameter : module->parameters()) {
      if (parameter.requires_grad()) parameters.push_back(parameter);
    }
  }
  return parameters;
}

void System::pack_encoder(const SafetensorsFile& file, nn::PackPolicy policy) {
  if (!can_keep_embeddings() || !base_->parameters().front().is_cpu()) return;
  if (base_->image_encoder->pack(policy) == 0) return;
  plain_ = file;
  file.release();
}

NamedTensors System::base_weights() const {
  NamedTensors tensors = state_dict(*base_);
  if (!plain_) return tensors;
  for (auto& [name, tensor] : tensors) {
    if (name.starts_with(kEncoder)) tensor = plain_->tensor(name).to(tensor.dtype());
  }
  return tensors;
}

torch::Tensor System::encode(const Batch& batch) {
  if (trains_encoder()) return base_->image_encoder->forward(batch.images).to(torch::kFloat32);
  const torch::NoGradGuard no_grad;
  if (!plain_) return encode_frozen(batch);
  // Packed weights are float32, and faster so than plain ones in bfloat16.
  const Autocast float32(batch.images.device(), false);
  return encode_frozen(batch);
}

torch::Tensor System::encode_frozen(const Batch& batch) {
  const bool kept = embeddings_ != nullptr && !batch.keys.empty();
  std::vector<torch::Tensor> rows(static_cast<std::size_t>(batch.images.size(0)));
  std::vector<std::int64_t> missing;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto found = kept ? embeddings_->find(batch.keys[i]) : std::nullopt;
    if (found) {
      rows[i] = found->to(batch.images.device());
    } else {
      missing.push_back(static_cast<std::int64_t>(i));
    }
  }
  // On a CPU a batch gains nothing, and an image's embedding does not depend, not even in its last bit, on which others
  // were missing beside it: a resumed run finds more of them than the one that it repeats.
  const auto together = batch.images.is_cuda() ? missing.size() : std::size_t{1};
  for (std::size_t begin = 0; begin < missing.size(); begin += together) {
    const auto chosen = torch::tensor(at::ArrayRef<std::int64_t>(missing).slice(begin, together));
    const auto images = missing.size() == rows.size() && together == rows.size()
                            ? batch.images
                            : batch.images.index_select(0, chosen.to(batch.images.device()));
    const auto made =
        base_->image_encoder->forward(images.contiguous(torch::MemoryFormat::ChannelsLast)).to(torch::kFloat32);
    for (std::size_t i = 0; i < together; ++i) {
      const auto row = static_cast<std::size_t>(missing[begin + i]);
      rows[row] = made[static_cast<std::int64_t>(i)];
      if (kept) embeddings_->insert(batch.keys[row], rows[row]);
    }
  }
  return torch::stack(rows);  // B,C,g,g
}

}  // namespace automed::train
