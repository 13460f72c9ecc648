#include "train/embedding_store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <numeric>
#include <system_error>
#include <utility>

#include "core/error.h"

namespace automed::train {
namespace {

/// What begins an index: which files these are, and whose.
struct IndexHeader {
  std::array<char, 8> magic = {'A', 'M', 'E', 'M', 'B', 'E', 'D', '1'};
  std::int64_t bytes = 0;  ///< of one embedding
  Digest owner{};
};

/// What describes the embedding in the slot of the record's own number.
struct IndexRecord {
  EmbeddingKey key;
  std::uint64_t data = 0;  ///< checksum of the embedding
  std::uint64_t self = 0;  ///< checksum of the fields above
};

// They are compared and hashed as bytes.
static_assert(sizeof(IndexHeader) == 32 && sizeof(EmbeddingKey) == 24 && sizeof(IndexRecord) == 40);

std::uint64_t checksum_of(const void* data, std::size_t size) {
  return digest_of(data, size)[0];
}

std::uint64_t checksum_of(const IndexRecord& record) {
  const std::array<std::uint64_t, 4> fields = {record.key.input[0], record.key.input[1], record.key.variant,
                                               record.data};
  return checksum_of(fields.data(), sizeof fields);
}

std::int64_t record_offset(std::int64_t slot) {
  return static_cast<std::int64_t>(sizeof(IndexHeader)) + slot * static_cast<std::int64_t>(sizeof(IndexRecord));
}

/// False with errno when not all of it could be written.
bool write_all(int descriptor, const void* data, std::size_t size, std::int64_t offset) {
  const auto* bytes = static_cast<const char*>(data);
  for (std::size_t done = 0; done < size;) {
    const auto n = ::pwrite(descriptor, bytes + done, size - done, offset + static_cast<std::int64_t>(done));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    done += static_cast<std::size_t>(n);
  }
  return true;
}

/// False where the file ends before, or cannot be read.
bool read_all(int descriptor, void* data, std::size_t size, std::int64_t offset) {
  auto* bytes = static_cast<char*>(data);
  for (std::size_t done = 0; done < size;) {
    const auto n = ::pread(descriptor, bytes + done, size - done, offset + static_cast<std::int64_t>(done));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    done += static_cast<std::size_t>(n);
  }
  return true;
}

int open_file(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor >= 0) return descriptor;
  throw Error(ErrorCode::kInvalidArgument,
              std::string("the embedding cache cannot be opened: ") + std::system_category().message(errno),
              "embeddingCachePath");
}

}  // namespace

Digest digest_of(const void* data, std::size_t size) {
  // Two lanes of multiply and shift over words of 8 bytes; the end is padded with zeros and told by the length.
  constexpr std::array<std::uint64_t, 2> kFactors = {0x9E3779B97F4A7C15ULL, 0xC2B2AE3D27D4EB4FULL};
  Digest lanes = {size ^ 0x94D049BB133111EBULL, size ^ 0xBF58476D1CE4E5B9ULL};
  const auto* bytes = static_cast<const char*>(data);
  for (std::size_t at = 0; at < size; at += sizeof(std::uint64_t)) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes + at, std::min(sizeof word, size - at));
    for (std::size_t lane = 0; lane < lanes.size(); ++lane) {
      lanes[lane] = (lanes[lane] ^ word) * kFactors[lane];
      lanes[lane] ^= lanes[lane] >> 32;
    }
  }
  return lanes;
}

EmbeddingStore::EmbeddingStore(EmbeddingStoreOptions options)
    : options_(std::move(options)),
      bytes_(std::accumulate(options_.shape.begin(), options_.shape.end(), static_cast<std::int64_t>(sizeof(float)),
                             std::multiplies<>())) {
  stats_.capacity = options_.max_bytes / (bytes_ + static_cast<std::int64_t>(sizeof(IndexRecord)));
  data_ = open_file(options_.path);
  try {
    index_ = open_file(options_.path + ".index");
    if (::flock(index_, LOCK_EX | LOCK_NB) != 0) {
      throw Error(ErrorCode::kIllegalState, "another run uses this embedding cache", "embeddingCachePath");
    }
    if (!load_index()) start_anew();
  } catch (...) {
    if (index_ >= 0) ::close(index_);
    ::close(data_);
    throw;
  }
}

EmbeddingStore::~EmbeddingStore() {
  ::close(index_);  // and with it goes the lock
  ::close(data_);
}

/// False when the files are of another owner, or hold more than the budget.
bool EmbeddingStore::load_index() {
  struct stat facts {};
  IndexHeader found;
  IndexHeader own{.bytes = bytes_, .owner = digest_of(options_.owner.data(), options_.owner.size())};
  if (!read_all(index_, &found, sizeof found, 0) || std::memcmp(&found, &own, sizeof own) != 0) return false;
  if (::fstat(index_, &facts) != 0) return false;
  const auto size = static_cast<std::int64_t>(facts.st_size) - static_cast<std::int64_t>(sizeof(IndexHeader));
  next_ = size / static_cast<std::int64_t>(sizeof(IndexRecord));
  if (next_ > stats_.capacity) return false;
  for (std::int64_t slot = 0; slot < next_; ++slot) {
    IndexRecord record;
    const bool read = read_all(index_, &record, sizeof record, record_offset(slot));
    if (read && record.self == checksum_of(record)) {
      slots_[record.key] = {.number = slot, .checksum = record.data};
    } else {
      free_.push_back(slot);
    }
  }
  return true;
}

void EmbeddingStore::start_anew() {
  slots_.clear();
  free_.clear();
  next_ = 0;
  const IndexHeader header{.bytes = bytes_, .owner = digest_of(options_.owner.data(), options_.owner.size())};
  const bool done =
      ::ftruncate(index_, 0) == 0 && ::ftruncate(data_, 0) == 0 && write_all(index_, &header, sizeof header, 0);
  if (!done) stop_keeping(errno);
}

void EmbeddingStore::stop_keeping(int error) {
  stats_.problem = std::system_category().message(error);
}

std::optional<torch::Tensor> EmbeddingStore::find(const EmbeddingKey& key) {
  const auto found = slots_.find(key);
  if (found != slots_.end()) {
    auto& slot = found->second;
    auto embedding = torch::empty(options_.shape);
    const bool read = read_all(data_, embedding.data_ptr(), embedding.nbytes(), slot.number * bytes_);
    if (read && (slot.verified || checksum_of(embedding.data_ptr(), embedding.nbytes()) == slot.checksum)) {
      slot.verified = true;
      ++stats_.hits;
      return embedding;
    }
    free_.push_back(slot.number);
    slots_.erase(found);
  }
  ++stats_.misses;
  return std::nullopt;
}

void EmbeddingStore::insert(const EmbeddingKey& key, const torch::Tensor& embedding) {
  if (!stats_.problem.empty() || slots_.contains(key)) return;
  if (free_.empty() && next_ >= stats_.capacity) return;
  const auto values = embedding.to(torch::kCPU, torch::kFloat32).contiguous();
  TORCH_INTERNAL_ASSERT(static_cast<std::int64_t>(values.nbytes()) == bytes_);
  const std::int64_t slot = free_.empty() ? next_ : free_.back();
  IndexRecord record{.key = key, .data = checksum_of(values.data_ptr(), values.nbytes())};
  record.self = checksum_of(record);
  if (!write_all(data_, values.data_ptr(), values.nbytes(), slot * bytes_) ||
      !write_all(index_, &record, sizeof record, record_offset(slot))) {
    return stop_keeping(errno);
  }
  if (free_.empty()) {
    ++next_;
  } else {
    free_.pop_back();
  }
  slots_[key] = {.number = slot, .checksum = record.data, .verified = true};
}

EmbeddingStoreStats EmbeddingStore::stats() const {
  auto stats = stats_;
  stats.kept = static_cast<std::int64_t>(slots_.size());
  return stats;
}

}  // namespace automed::train
