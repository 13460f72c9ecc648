#pragma once

#include <torch/torch.h>

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

namespace automed::train {

/// 128 bits of some bytes. It tells the inputs of one run apart; it does not withstand somebody who wants two alike.
using Digest = std::array<std::uint64_t, 2>;
Digest digest_of(const void* data, std::size_t size);

/// What an embedding was made of, beside the base: the model's input before augmentation (which holds the image and its
/// placement), what the augmentation did to it, and in which precision.
struct EmbeddingKey {
  Digest input{};
  std::uint32_t variant = 0;

  bool operator<(const EmbeddingKey& other) const {
    return std::tie(input, variant) < std::tie(other.input, other.variant);
  }
};

/// Added to a variant whose embedding was computed in bfloat16.
inline constexpr std::uint32_t kReducedPrecision = 1U << 31;

struct EmbeddingStoreOptions {
  std::string path;        ///< of the data; the index is beside it, with `.index` added
  std::int64_t max_bytes;  ///< of data and index together
  std::string owner;       ///< names the base and all else that an embedding depends on; another owner starts anew
  std::vector<std::int64_t> shape;  ///< of one embedding, float32
};

struct EmbeddingStoreStats {
  std::int64_t capacity = 0;  ///< embeddings that the budget holds
  std::int64_t kept = 0;
  std::int64_t hits = 0;
  std::int64_t misses = 0;
  std::string problem;  ///< why nothing more is kept, although there is room; empty: nothing happened
};

/// Embeddings of a frozen encoder, kept for the length of a run and its resumptions: a file of data that the page cache
/// holds as far as there is memory, and an index. Data is read and written through the descriptor and not through a
/// mapping, so that a full disk or a failing one is an error and not the end of the process.
///
/// An index record is written after its data and carries a checksum of both. A record or an embedding torn by the death
/// of the process or of the machine is not found, and its place is used again. When the disk is full the store keeps
/// what it has and takes nothing more: the run goes on, slower.
class EmbeddingStore {
 public:
  /// Opens what a run of the same owner left, or starts anew. Throws kInvalidArgument (field `embeddingCachePath`) when
  /// the files cannot be created, kIllegalState while another process has them open.
  explicit EmbeddingStore(EmbeddingStoreOptions options);
  ~EmbeddingStore();
  EmbeddingStore(const EmbeddingStore&) = delete;
  EmbeddingStore& operator=(const EmbeddingStore&) = delete;

  /// An embedding of the shape, on the CPU.
  std::optional<torch::Tensor> find(const EmbeddingKey& key);
  /// Keeps it if there is room and it is not there yet.
  void insert(const EmbeddingKey& key, const torch::Tensor& embedding);
  EmbeddingStoreStats stats() const;

 private:
  struct Slot {
    std::int64_t number = 0;
    std::uint64_t checksum = 0;
    bool verified = false;
  };

  bool load_index();
  void start_anew();
  void stop_keeping(int error);

  EmbeddingStoreOptions options_;
  std::int64_t bytes_;
  int data_ = -1;
  int index_ = -1;
  std::map<EmbeddingKey, Slot> slots_;
  std::vector<std::int64_t> free_;  ///< slots whose record or data was torn
  std::int64_t next_ = 0;
  EmbeddingStoreStats stats_;
};

}  // namespace automed::train
