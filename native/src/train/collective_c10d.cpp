#ifdef AUTOMED_GLOO

#define USE_C10D_GLOO
#ifdef AUTOMED_NCCL
#define USE_C10D_NCCL
#endif

#include "train/collective_c10d.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <functional>
#include <system_error>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
#include <utility>
#include <vector>
#ifdef AUTOMED_NCCL
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>
#endif

#include "core/error.h"

namespace automed::train {
namespace {

/// The first line of a c10d or gloo message: what follows is their stack.
std::string first_line(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

template <typename Action>
auto typed(const char* what, Action action) -> decltype(action()) {
  try {
    return action();
  } catch (const Error&) {
    throw;
  } catch (const c10::Error& error) {
    throw Error(ErrorCode::kDeviceUnavailable, std::string(what) + ": " + first_line(error.what_without_backtrace()));
  } catch (const std::exception& error) {
    throw Error(ErrorCode::kDeviceUnavailable, std::string(what) + ": " + first_line(error.what()));
  }
}

bool is_loopback(const std::string& address) {
  return address == "localhost" || address.rfind("127.", 0) == 0;
}

/// A listening socket on 127.0.0.1: left to itself a TCPStore listens on every interface.
int listen_on_loopback(std::int64_t port) {
  const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  const int reuse = 1;
  if (descriptor >= 0 && ::setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &reuse, sizeof(reuse)) == 0 &&
      ::bind(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0 &&
      ::listen(descriptor, SOMAXCONN) == 0) {
    return descriptor;
  }
  const std::string reason = std::system_category().message(errno);
  if (descriptor >= 0) ::close(descriptor);
  throw Error(ErrorCode::kDeviceUnavailable,
              "rank 0 cannot listen on 127.0.0.1:" + std::to_string(port) + ": " + reason);
}

c10::intrusive_ptr<c10d::Store> make_store(const RankOptions& options) {
  c10d::TCPStoreOptions store;
  store.port = static_cast<std::uint16_t>(options.master_port);
  store.isServer = options.rank == 0;
  store.numWorkers = static_cast<std::size_t>(options.world_size);
  store.timeout = options.rendezvous_timeout;
  const bool local = is_loopback(options.master_address);
  if (store.isServer && local) store.masterListenFd = listen_on_loopback(options.master_port);
  return c10::make_intrusive<c10d::TCPStore>(local ? "127.0.0.1" : options.master_address, store);
}

c10::intrusive_ptr<c10d::Backend> make_gloo(const c10::intrusive_ptr<c10d::Store>& store, const RankOptions& options) {
  using Group = c10d::ProcessGroupGloo;
  // create_default honours GLOO_SOCKET_IFNAME, else takes the interface of the machine's host name.
  auto settings = is_loopback(options.master_address) ? c10::make_intrusive<Group::Options>(options.rendezvous_timeout)
                                                      : Group::Options::create_default(options.rendezvous_timeout);
  if (settings->devices.empty()) settings->devices.push_back(Group::createDeviceForHostname("127.0.0.1"));
  return c10::make_intrusive<Group>(store, static_cast<int>(options.rank), static_cast<int>(options.world_size),
                                    settings);
}

#ifdef AUTOMED_NCCL
c10::intrusive_ptr<c10d::Backend> make_nccl(const c10::intrusive_ptr<c10d::Store>& store, const RankOptions& options) {
  auto settings = c10d::ProcessGroupNCCL::Options::create();
  settings->timeout = options.collective_timeout;
  return c10::make_intrusive<c10d::ProcessGroupNCCL>(store, static_cast<int>(options.rank),
                                                     static_cast<int>(options.world_size), settings);
}
#endif

class PendingWork : public Collective::Pending {
 public:
  PendingWork(c10::intrusive_ptr<c10d::Work> work, std::function<void()> after)
      : work_(std::move(work)), after_(std::move(after)) {}
  void wait() override {
    typed("another rank of the process group is gone or does not answer", [&] { work_->wait(); });
    if (after_) after_();
  }

 private:
  c10::intrusive_ptr<c10d::Work> work_;
  std::function<void()> after_;
};

class C10dCollective final : public Collective {
 public:
  C10dCollective(const RankOptions& options, torch::Device device)
      : Collective(options.rank, options.world_size), timeout_(options.collective_timeout) {
    typed("the process group did not come together", [&] {
      store_ = make_store(options);
#ifdef AUTOMED_NCCL
      if (device.is_cuda()) place_ = device;
      backend_ = device.is_cuda() ? make_nccl(store_, options) : make_gloo(store_, options);
#else
      (void)device;
      backend_ = make_gloo(store_, options);
#endif
    });
    barrier();
  }

  std::unique_ptr<Pending> start_sum(const torch::Tensor& tensor) override {
    c10d::AllreduceOptions options;
    options.timeout = timeout_;
    return start(tensor, [&](std::vector<at::Tensor>& tensors) { return backend_->allreduce(tensors, options); });
  }

  void broadcast(const torch::Tensor& tensor) override {
    c10d::BroadcastOptions options;
    options.timeout = timeout_;
    start(tensor, [&](std::vector<at::Tensor>& tensors) { return backend_->broadcast(tensors, options); })->wait();
  }

  torch::Tensor gather(const torch::Tensor& tensor) override {
    std::vector<std::int64_t> sizes = {world_size()};
    sizes.insert(sizes.end(), tensor.sizes().begin(), tensor.sizes().end());
    // One row per rank, all others zero: their sum is the gathered tensor, whatever the backend.
    torch::Tensor rows = torch::zeros(sizes, tensor.options());
    rows[rank()].copy_(tensor);
    sum(rows);
    return rows;
  }

  void barrier() override {
    sum(torch::zeros({1}, place_));
  }

 private:
  /// Backends want contiguous memory of their own place: anything else takes part as a copy that is written back.
  template <typename Call>
  std::unique_ptr<Pending> start(const torch::Tensor& tensor, Call call) {
    const torch::NoGradGuard no_grad;
    const bool direct = tensor.is_contiguous() && tensor.device().type() == place_.type();
    const torch::Tensor staged =
        direct ? tensor.detach() : tensor.detach().to(place_, tensor.scalar_type(), false, /*copy=*/true).contiguous();
    std::vector<at::Tensor> tensors = {staged};
    auto work = typed("another rank of the process group is gone or does not answer", [&] { return call(tensors); });
    std::function<void()> after;
    if (!direct) {
      after = [tensor, staged] {
        const torch::NoGradGuard guard;
        tensor.detach().copy_(staged);
      };
    }
    return std::make_unique<PendingWork>(std::move(work), std::move(after));
  }

  std::chrono::milliseconds timeout_;
  torch::Device place_ = torch::kCPU;  ///< where the backend works
  c10::intrusive_ptr<c10d::Store> store_;
  c10::intrusive_ptr<c10d::Backend> backend_;
};

}  // namespace

std::unique_ptr<Collective> join_c10d_process_group(const RankOptions& options, torch::Device device) {
  return std::make_unique<C10dCollective>(options, device);
}

}  // namespace automed::train

#endif  // AUTOMED_GLOO
