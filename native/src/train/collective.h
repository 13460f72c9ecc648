#pragma once

#include <torch/torch.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

namespace automed::train {

/// The place of a process in a process group that trains one model together.
struct RankOptions {
  std::int64_t rank = 0;  ///< in [0, world_size)
  std::int64_t world_size = 1;
  std::string master_address = "127.0.0.1";  ///< where rank 0 listens; on loopback the whole process group stays on it
  std::int64_t master_port = 0;
  std::chrono::milliseconds rendezvous_timeout{600'000};  ///< until all ranks have come together
  std::chrono::milliseconds collective_timeout{300'000};  ///< until a collective operation is given up
};

/// What the ranks of a process group do together. Every rank must make the same calls in the same order. A call fails
/// with kDeviceUnavailable when another rank is gone or does not answer within the time limit; the process group cannot
/// be used after that.
class Collective {
 public:
  /// An operation that runs beside the caller's work.
  class Pending {
   public:
    Pending() = default;
    virtual ~Pending() = default;
    Pending(const Pending&) = delete;
    Pending& operator=(const Pending&) = delete;
    virtual void wait() = 0;
  };

  Collective(std::int64_t rank, std::int64_t world_size) : rank_(rank), world_size_(world_size) {}
  virtual ~Collective() = default;
  Collective(const Collective&) = delete;
  Collective& operator=(const Collective&) = delete;

  std::int64_t rank() const { return rank_; }
  std::int64_t world_size() const { return world_size_; }

  /// Replaces `tensor` by the sum over the ranks; it must not be touched before wait(). The sum has the same bits on
  /// every rank.
  virtual std::unique_ptr<Pending> start_sum(const torch::Tensor& tensor) = 0;
  void sum(const torch::Tensor& tensor) { start_sum(tensor)->wait(); }
  /// Replaces `tensor` by rank 0's.
  virtual void broadcast(const torch::Tensor& tensor) = 0;
  /// world_size,... of `tensor`, which must have the same shape and type on every rank.
  virtual torch::Tensor gather(const torch::Tensor& tensor) = 0;
  /// Returns when every rank has called it.
  virtual void barrier() = 0;

 private:
  std::int64_t rank_;
  std::int64_t world_size_;
};

/// Whether this build can train over several processes.
bool collectives_compiled();

/// Joins the process group: NCCL for a CUDA device in a build that has it, Gloo otherwise. Throws kInvalidArgument
/// (fields `rank`, `worldSize`, `masterPort`), kIllegalState in a build without collectives, kDeviceUnavailable when
/// the process group does not come together.
std::unique_ptr<Collective> join_process_group(const RankOptions& options, torch::Device device);

}  // namespace automed::train
