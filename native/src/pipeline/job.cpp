#include "pipeline/job.h"

#include <algorithm>

namespace automed::pipeline {
namespace {

void check_heads(const HeadsJob& job) {
  if (job.heads.empty()) throw Error(ErrorCode::kInvalidArgument, "name at least one model", "heads");
  for (const HeadRun& head : job.heads) {
    const Task task = head.model->task();
    if (task != head.task) {
      throw Error(ErrorCode::kWrongTask, std::string("the model does ") + name_of(task) + ", not " + name_of(head.task),
                  "model");
    }
    if (&head.model->base() != &job.heads.front().model->base()) {
      throw Error(ErrorCode::kInvalidArgument, "the models of one job must stand on one base", "heads");
    }
    if (head.model->preprocessing() != job.heads.front().model->preprocessing()) {
      throw Error(ErrorCode::kInvalidArgument, "the models of one job must have the same preprocessing", "heads");
    }
    if (task == Task::kSegmentation) check_threshold(head.threshold);
  }
}

}  // namespace

const LoadedBase& base_of(const Job& job) {
  if (const auto* heads = std::get_if<HeadsJob>(&job)) return heads->heads.front().model->base();
  if (const auto* encode = std::get_if<EncodeJob>(&job)) return *encode->base;
  if (const auto* prompt = std::get_if<PromptJob>(&job)) return *prompt->base;
  return *std::get<EverythingJob>(job).base;
}

const models::Preprocessing& preprocessing_of(const Job& job) {
  const auto* heads = std::get_if<HeadsJob>(&job);
  return heads != nullptr ? heads->heads.front().model->preprocessing() : base_of(job).config().encoder.preprocessing;
}

bool uses_embedding(const Job& job) {
  const auto* heads = std::get_if<HeadsJob>(&job);
  return heads == nullptr ||
         std::ranges::any_of(heads->heads, [](const HeadRun& head) { return head.model->config().uses_embedding(); });
}

void check_job(const Job& job, const ImageSource& image) {
  if (image.pixels) check_pixels(*image.pixels);
  const bool needs_pixels = std::holds_alternative<HeadsJob>(job) || std::holds_alternative<EncodeJob>(job);
  if (!image.pixels && (needs_pixels || image.embedding_key.empty())) {
    throw Error(ErrorCode::kInvalidArgument, "there is no image", "pixels");
  }
  if (const auto* heads = std::get_if<HeadsJob>(&job)) check_heads(*heads);
  if (const auto* prompt = std::get_if<PromptJob>(&job)) check_threshold(prompt->threshold);
  if (const auto* everything = std::get_if<EverythingJob>(&job)) check_everything(everything->options);
}

bool can_share_batch(const Job& one, const Job& other) {
  if (one.index() != other.index() || &base_of(one) != &base_of(other)) return false;
  const auto* heads = std::get_if<HeadsJob>(&one);
  if (heads == nullptr) return std::holds_alternative<EncodeJob>(one);
  return std::ranges::equal(heads->heads, std::get<HeadsJob>(other).heads, {}, &HeadRun::model, &HeadRun::model);
}

bool can_share_batch(const Job& job) {
  return can_share_batch(job, job);
}

}  // namespace automed::pipeline
