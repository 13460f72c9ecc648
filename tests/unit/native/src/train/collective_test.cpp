#include "train/collective.h"

#include "support/process_group.h"

using automed::ErrorCode;
using automed::test::error_of;
using automed::test::rank_options;
using automed::test::run_process_group;

TEST("collective: the ranks sum, broadcast and gather tensors of several types and layouts") {
  run_process_group(3, [](std::unique_ptr<automed::train::Collective> process_group) {
    const auto rank = process_group->rank();
    const torch::Tensor sum = torch::full({2, 3}, static_cast<double>(rank), torch::kFloat64);
    process_group->sum(sum);
    CHECK(sum.eq(3).all().item<bool>());
    // Neither contiguous nor of a batch: it takes part as a copy that is written back.
    const torch::Tensor whole = torch::zeros({4, 4});
    process_group->sum(whole.t().slice(0, 1, 3).add_(1));
    CHECK(whole.sum().item<float>() == 8 * 3);
    const torch::Tensor weights = torch::arange(6).to(torch::kFloat32) * (rank + 1);
    process_group->broadcast(weights);
    CHECK(weights.equal(torch::arange(6).to(torch::kFloat32)));
    const torch::Tensor bytes = process_group->gather(torch::tensor({200 + static_cast<int>(rank)}, torch::kUInt8));
    CHECK(bytes.flatten().equal(torch::tensor({200, 201, 202}, torch::kUInt8)));
    process_group->barrier();
  });
}

TEST("collective: sums that run beside other work end in their own tensors") {
  run_process_group(2, [](std::unique_ptr<automed::train::Collective> process_group) {
    const torch::Tensor first = torch::ones({100000}), second = torch::ones({3}) * 2;
    const auto one = process_group->start_sum(first);
    const auto two = process_group->start_sum(second);
    two->wait();
    one->wait();
    CHECK(first.eq(2).all().item<bool>() && second.eq(4).all().item<bool>());
  });
}

TEST("collective: a rank that leaves makes the others fail with a typed error instead of waiting") {
  run_process_group(2, [](std::unique_ptr<automed::train::Collective> process_group) {
    if (process_group->rank() == 1) return;
    const auto error = error_of(ErrorCode::kDeviceUnavailable, [&] {
      for (int i = 0; i < 3; ++i) process_group->barrier();
    });
    CHECK(std::string(error.what()).find("another rank") != std::string::npos);
    CHECK(std::string(error.what()).find('\n') == std::string::npos);
  });
}

TEST("collective: a process group that does not come together in time is given up") {
  if (!automed::train::collectives_compiled()) throw automed::test::Skip("this build has no collectives");
  for (const std::int64_t alone : {0, 1}) {
    auto options = rank_options(alone, 2, automed::test::free_port());
    options.rendezvous_timeout = std::chrono::milliseconds(1500);
    const auto error =
        error_of(ErrorCode::kDeviceUnavailable, [&] { automed::train::join_process_group(options, torch::kCPU); });
    CHECK(std::string(error.what()).find("did not come together") != std::string::npos);
  }
}

TEST("collective: a place outside the process group and a port out of range are refused by name") {
  const auto field_of = [](const automed::train::RankOptions& options) {
    const auto error =
        error_of(ErrorCode::kInvalidArgument, [&] { automed::train::join_process_group(options, torch::kCPU); });
    return error.field().value_or("");
  };
  CHECK(field_of(rank_options(2, 2, 1000)) == "rank");
  CHECK(field_of(rank_options(0, 0, 1000)) == "worldSize");
  CHECK(field_of(rank_options(0, 2, 0)) == "masterPort");
}
