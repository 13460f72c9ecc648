#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/error.h"
#include "pipeline/drawn_mask.h"
#include "pipeline/everything.h"
#include "pipeline/image.h"
#include "pipeline/loaded_model.h"
#include "pipeline/prompts.h"

namespace automed::pipeline {

/// The image of a job: its pixels, or the key of an embedding that the cache holds, or both.
struct ImageSource {
  std::optional<PixelView> pixels;  ///< must stay valid until the job is done
  /// Content address of the embedding (see EmbeddingCache); empty: neither looked up nor kept.
  std::string embedding_key;
};

struct HeadRun {
  std::shared_ptr<const LoadedModel> model;
  Task task = Task::kSegmentation;             ///< what the caller expects of the model
  double threshold = 0.5;                      ///< probability in (0, 1); segmentation only
  bool probabilities = false;                  ///< also answers the probability of each pixel; segmentation only
  bool saliency = false;                       ///< also answers where the evidence was found; classification only
  std::optional<std::int64_t> saliency_class;  ///< index of the class; absent: the most probable
};

/// Runs any number of heads of one base and one preprocessing on an image, after one encoder pass. Needs the pixels,
/// for heads look at the image as well.
struct HeadsJob {
  std::vector<HeadRun> heads;
};

/// Leaves the image's embedding in the cache.
struct EncodeJob {
  std::shared_ptr<const LoadedBase> base;
  bool return_features = false;  ///< answers what the encoder made, beside keeping it
};

/// Draws what prompts point at.
struct PromptJob {
  std::shared_ptr<const LoadedBase> base;
  Prompts prompts;
  double threshold = 0.5;  ///< probability in (0, 1)
};

/// Draws everything that a grid of points finds.
struct EverythingJob {
  std::shared_ptr<const LoadedBase> base;
  EverythingOptions options;
};

using Job = std::variant<HeadsJob, EncodeJob, PromptJob, EverythingJob>;
inline constexpr std::size_t kJobKinds = std::variant_size_v<Job>;

struct Timings {
  double queue_ms = 0;
  double preprocess_ms = 0;
  double inference_ms = 0;  ///< of the whole batch: encoder and heads
  double encoder_ms = 0;    ///< the encoder's part of it; 0 when it did not run
  double postprocess_ms = 0;
  std::size_t batch_size = 0;
  bool embedding_cached = false;  ///< the encoder did not run for this image
};

struct Segmentation {
  std::vector<DrawnMask> masks;  ///< one for each structure of the model, in its order; they may overlap
};

/// See LoadedModel::saliency.
struct ClassSaliency {
  std::int64_t target = 0;
  torch::Tensor map;  ///< float32 h,w of the model's square input
  Placement placement;
};

struct Classification {
  torch::Tensor probabilities;  ///< float32 classes
  std::optional<ClassSaliency> saliency;
};

using HeadOutput = std::variant<Segmentation, Classification>;

struct HeadsResult {
  std::vector<HeadOutput> outputs;  ///< in the order of the job's heads
  Timings timings;
};

struct EncodeResult {
  Placement placement;
  torch::Tensor features;  ///< float16 C,g,g on the CPU; undefined unless asked for
  Timings timings;
};

struct PromptResult {
  Placement placement;
  std::vector<PromptedMask> masks;
  Timings timings;
};

struct EverythingResult {
  Placement placement;
  std::vector<FoundMask> masks;
  Timings timings;
};

using Result = std::variant<Error, HeadsResult, EncodeResult, PromptResult, EverythingResult>;

/// The base that a job runs on.
const LoadedBase& base_of(const Job& job);

/// How the job's image is prepared: as its heads say, or its base.
const models::Preprocessing& preprocessing_of(const Job& job);

/// False when no head of the job looks at the encoder's features (the MobileNet alone, Table 10).
bool uses_embedding(const Job& job);

/// Throws kWrongTask, kInvalidArgument or kIllegalState for what can be told without running anything.
void check_job(const Job& job, const ImageSource& image);

/// Whether both may share a forward pass.
bool can_share_batch(const Job& one, const Job& other);
/// Whether any other job could share a forward pass with this one.
bool can_share_batch(const Job& job);

}  // namespace automed::pipeline
