#pragma once

#include <exception>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "support/native_test.h"
#include "train/collective.h"

// A process group whose ranks are threads of the test program: real sockets on loopback, real Gloo.

namespace automed::test {

/// A port of 127.0.0.1 that nobody listens on.
std::int64_t free_port();

inline train::RankOptions rank_options(std::int64_t rank, std::int64_t world_size, std::int64_t port) {
  train::RankOptions options;
  options.rank = rank;
  options.world_size = world_size;
  options.master_port = port;
  options.rendezvous_timeout = std::chrono::seconds(60);
  options.collective_timeout = std::chrono::seconds(60);
  return options;
}

/// Runs `body` on every rank and ends with the first failure of any; skips in a build without collectives.
inline void run_process_group(std::int64_t world_size,
                              const std::function<void(std::unique_ptr<train::Collective>)>& body) {
  if (!train::collectives_compiled()) throw Skip("this build has no collectives");
  const auto port = free_port();
  std::vector<std::exception_ptr> failures(static_cast<std::size_t>(world_size));
  std::vector<std::thread> ranks;
  for (std::int64_t rank = 0; rank < world_size; ++rank) {
    ranks.emplace_back([&, rank] {
      try {
        body(train::join_process_group(rank_options(rank, world_size, port), torch::kCPU));
      } catch (...) {
        failures[static_cast<std::size_t>(rank)] = std::current_exception();
      }
    });
  }
  for (auto& rank : ranks) rank.join();
  for (const auto& failure : failures) {
    if (failure) std::rethrow_exception(failure);
  }
}

}  // namespace automed::test
