#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <string>
#include <vector>

#include "pipeline/image.h"
#include "train/embedding_store.h"

namespace automed::train {

/// One training sample as the model sees it.
struct Sample {
  torch::Tensor image;      ///< 3,S,S float32, normalised
  torch::Tensor mask;       ///< K,S,S uint8, 0 or 1, one for each structure; undefined for classification
  std::int64_t label = -1;  ///< class; -1 for segmentation
};

/// Preprocessed samples in a file that has no name: it is unlinked as soon as it is open, so that it vanishes with the
/// process however that ends, and the page cache decides how much of it is in memory.
class SampleStore {
 public:
  /// `path`: on a file system with room for about 850 kB a sample (256 px). Throws kStorageFull, kInvalidArgument.
  /// `structures`: masks of each sample of segmentation.
  SampleStore(const std::string& path, std::int64_t image_size, const models::Preprocessing& preprocessing,
              std::int64_t structures);
  ~SampleStore();
  SampleStore(const SampleStore&) = delete;
  SampleStore& operator=(const SampleStore&) = delete;

  /// `masks`: structure by structure one byte per original pixel, or null; then `label` counts. `keep_original`: keep
  /// the masks at their original size too, for metrics.
  std::size_t add(const pipeline::PixelView& pixels, const std::uint8_t* masks, std::int64_t label, bool keep_original);

  std::size_t size() const { return entries_.size(); }
  Sample read(std::size_t index) const;
  /// K,height,width uint8, 0 or 1. Only for samples added with `keep_original`.
  torch::Tensor original_masks(std::size_t index) const;
  const pipeline::Placement& placement(std::size_t index) const { return entries_.at(index).placement; }
  std::int64_t label(std::size_t index) const { return entries_.at(index).label; }
  /// Of the input: the image as placed and normalised.
  const Digest& digest(std::size_t index) const { return entries_.at(index).digest; }

 private:
  struct Entry {
    std::int64_t offset = 0;
    std::int64_t original_offset = -1;
    std::int64_t label = -1;
    bool has_mask = false;
    pipeline::Placement placement;
    Digest digest{};
  };

  std::int64_t append(const void* data, std::size_t size);
  void read_at(void* data, std::size_t size, std::int64_t offset) const;

  std::int64_t image_size_;
  models::Preprocessing preprocessing_;
  std::int64_t structures_;
  int descriptor_ = -1;
  std::int64_t end_ = 0;
  std::vector<Entry> entries_;
};

}  // namespace automed::train
