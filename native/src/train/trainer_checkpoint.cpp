// What a run needs to go on exactly as if it had not stopped: saving it and taking it up again.

#include <filesystem>
#include <utility>

#include "core/atomic_file.h"
#include "core/checkpoint.h"
#include "core/error.h"
#include "core/translate.h"
#include "train/trainer.h"

namespace automed::train {
namespace {

torch::Tensor generator_state(torch::Device device) {
  auto generator = at::globalContext().defaultGenerator(device);
  return generator.get_state();
}

void set_generator_state(torch::Device device, const torch::Tensor& state) {
  auto generator = at::globalContext().defaultGenerator(device);
  generator.set_state(state.cpu());
}

}  // namespace

void Trainer::save(torch::serialize::OutputArchive& archive) {
  for (const auto& [name, module] : system_->modules()) {
    torch::serialize::OutputArchive part;
    module->save(part);
    archive.write(name, part);
  }
  torch::serialize::OutputArchive optimizer;
  optimizer_->save(optimizer);
  archive.write("optimizer", optimizer);
  const auto random = generator_state(torch::kCPU);
  archive.write("rng", random);
  if (parallel_) archive.write("rng_ranks", parallel_->gather(random));
  if (device_.is_cuda()) archive.write("rng_device", generator_state(device_));
  for (std::size_t i = 0; gathered_ > 0 && i < trainable_.size(); ++i) {
    auto gradient = trainable_[i].grad();
    // What the ranks gathered is written as their sum, which rank 0 takes up again.
    if (parallel_) gradient = parallel_->total(gradient.defined() ? gradient : torch::zeros_like(trainable_[i]));
    if (gradient.defined()) archive.write("gradient_" + std::to_string(i), gradient);
  }
  const auto progress = torch::tensor({static_cast<std::int64_t>(epoch_), static_cast<std::int64_t>(position_),
                                       static_cast<std::int64_t>(store(Split::kTrain).size()), gathered_},
                                      torch::kInt64);
  archive.write("progress", progress);
}

void Trainer::save_checkpoint(const std::string& path) {
  torch::serialize::OutputArchive archive;
  save(archive);
  if (parallel_ && parallel_->rank() > 0) return parallel_->barrier();
  AtomicFile file(path);
  // The archive writes once more while it is destroyed, so an exception from in here would end the process.
  std::optional<Error> failure;
  archive.save_to([&](const void* data, std::size_t size) {
    if (failure) return size;
    try {
      file.write(data, size);
    } catch (...) {
      failure = current_error();
    }
    return size;
  });
  if (failure) throw Error(std::move(*failure));
  file.commit();
  if (parallel_) parallel_->barrier();
}

void Trainer::load(torch::serialize::InputArchive& archive) {
  torch::Tensor progress;
  archive.read("progress", progress);
  const auto samples = static_cast<std::int64_t>(store(Split::kTrain).size());
  if (progress[2].item<std::int64_t>() != samples) {
    throw Error(ErrorCode::kCheckpointMismatch, "the checkpoint was made with " +
                                                    std::to_string(progress[2].item<std::int64_t>()) +
                                                    " training samples, there are " + std::to_string(samples));
  }
  for (const auto& [name, module] : system_->modules()) {
    torch::serialize::InputArchive part;
    archive.read(name, part);
    module->load(part);
  }
  torch::serialize::InputArchive optimizer;
  archive.read("optimizer", optimizer);
  optimizer_->state().clear();  // a checkpoint of step 0 holds none
  optimizer_->load(optimizer);
  torch::Tensor state;
  const auto rank = parallel_ ? parallel_->rank() : 0;
  if (rank == 0) {
    archive.read("rng", state);
    set_generator_state(torch::kCPU, state);
  } else if (archive.try_read("rng_ranks", state) && rank < state.size(0)) {
    // A copy: LibTorch misreads a state that does not begin its storage.
    set_generator_state(torch::kCPU, state[rank].clone());
  }
  if (device_.is_cuda()) {
    archive.read("rng_device", state);
    set_generator_state(device_, state);
  }
  gathered_ = progress[3].item<std::int64_t>();
  synchronised_ = false;
  for (std::size_t i = 0; gathered_ > 0 && rank == 0 && i < trainable_.size(); ++i) {
    torch::Tensor gradient;
    if (archive.try_read("gradient_" + std::to_string(i), gradient)) trainable_[i].mutable_grad() = gradient;
  }
  epoch_ = static_cast<std::uint64_t>(progress[0].item<std::int64_t>());
  position_ = static_cast<std::size_t>(progress[1].item<std::int64_t>());
  order_.clear();
  if (position_ > 0) start_epoch();
}

std::vector<std::vector<std::int64_t>> Trainer::parameter_shapes() {
  std::vector<std::vector<std::int64_t>> shapes;
  for (const auto& [part, module] : system_->modules()) {
    for (const auto& [name, tensor] : state_dict(*module)) shapes.push_back(tensor.sizes().vec());
  }
  return shapes;
}

void Trainer::load_checkpoint(const std::string& path) {
  torch::serialize::InputArchive archive;
  if (!std::filesystem::is_regular_file(path)) throw Error(ErrorCode::kNotFound, "there is no checkpoint");
  const auto shapes = parameter_shapes();
  try {
    archive.load_from(path, device_);
    load(archive);
  } catch (const Error&) {
    throw;
  } catch (const c10::Error& error) {
    throw Error(ErrorCode::kCheckpointCorrupt,
                "the checkpoint cannot be read: " + std::string(error.what_without_backtrace()));
  } catch (const std::exception& error) {
    throw Error(ErrorCode::kCheckpointCorrupt, "the checkpoint cannot be read: " + std::string(error.what()));
  }
  // LibTorch takes a tensor of any shape.
  if (parameter_shapes() != shapes) {
    throw Error(ErrorCode::kCheckpointMismatch, "the checkpoint is of another architecture");
  }
}

}  // namespace automed::train
