#include "train/data_parallel.h"

#include <string>
#include <utility>

#include "core/error.h"
#include "train/trainer.h"

namespace automed::train {

/// Batch norm's view of the process group.
class DataParallel::Statistics : public nn::SharedBatch {
 public:
  explicit Statistics(Collective& collective) : collective_(collective) {}
  void sum(const torch::Tensor& tensor) override { collective_.sum(tensor); }
  bool contributes() const override { return contributes_; }
  void set_contributes(bool contributes) { contributes_ = contributes; }

 private:
  Collective& collective_;
  bool contributes_ = true;
};

namespace {

/// A sample's result as numbers: whether it is there, its loss and label, how many values follow, the values.
std::vector<double> to_row(const SampleResult& result) {
  std::vector<double> row = {1.0,
                             result.loss,
                             result.label ? static_cast<double>(*result.label) : -1.0,
                             static_cast<double>(result.structures.size()),
                             static_cast<double>(result.point.size()),
                             result.probabilities.defined() ? static_cast<double>(result.probabilities.numel()) : 0.0};
  for (const auto* overlaps : {&result.structures, &result.point}) {
    for (const auto& overlap : *overlaps) {
      row.push_back(overlap.dice);
      row.push_back(overlap.iou);
    }
  }
  for (std::int64_t i = 0; result.probabilities.defined() && i < result.probabilities.numel(); ++i) {
    row.push_back(result.probabilities[i].item<double>());
  }
  return row;
}

constexpr std::size_t kRowHead = 6;

SampleResult from_row(const double* row, std::size_t index) {
  SampleResult result;
  result.index = index;
  result.loss = row[1];
  if (row[2] >= 0) result.label = static_cast<std::int64_t>(row[2]);
  const double* value = row + kRowHead;
  const auto take = [&](double count) {
    std::vector<Overlap> overlaps(static_cast<std::size_t>(count));
    for (auto& overlap : overlaps) {
      overlap.dice = *value++;
      overlap.iou = *value++;
    }
    return overlaps;
  };
  result.structures = take(row[3]);
  result.point = take(row[4]);
  if (row[5] > 0) {
    result.probabilities = torch::empty({static_cast<std::int64_t>(row[5])});
    for (std::int64_t i = 0; i < result.probabilities.numel(); ++i) result.probabilities[i] = *value++;
  }
  return result;
}

}  // namespace

DataParallel::DataParallel(std::unique_ptr<Collective> collective, System::Modules modules,
                           const std::vector<torch::Tensor>& parameters)
    : collective_(std::move(collective)),
      modules_(std::move(modules)),
      statistics_(c10::make_intrusive<Statistics>(*collective_)),
      buckets_(*collective_, parameters) {
  share_statistics(true);
}

DataParallel::~DataParallel() {
  share_statistics(false);
}

void DataParallel::share_statistics(bool shared) {
  const auto batch = shared ? statistics_ : c10::intrusive_ptr<Statistics>();
  for (const auto& [name, module] : modules_) nn::share_batch_norm(*module, batch);
}

void DataParallel::synchronise(const std::vector<std::int64_t>& facts) {
  const auto own = torch::tensor(facts, torch::kInt64);
  const auto all = gather(own);
  if (!all.eq(all[0]).all().item<bool>()) {
    throw Error(ErrorCode::kCheckpointMismatch,
                "the ranks do not hold the same samples or checkpoint; every rank must see the same files");
  }
  for (const auto& [name, module] : modules_) {
    for (const auto& tensor : module->parameters()) collective_->broadcast(tensor);
    for (const auto& tensor : module->buffers()) collective_->broadcast(tensor);
  }
}

BatchPart DataParallel::share_of(std::size_t begin, std::size_t end) const {
  const auto count = end - begin;
  const auto place = static_cast<std::size_t>(rank());
  return {begin + count * place / world_size(), begin + count * (place + 1) / world_size()};
}

BatchPart DataParallel::part_of(std::size_t begin, std::size_t end) const {
  const BatchPart part = share_of(begin, end);
  return part.begin < part.end ? part : BatchPart{begin, begin + 1};
}

BatchPart DataParallel::take_part(std::size_t begin, std::size_t end) {
  const BatchPart part = share_of(begin, end);
  weight_ = static_cast<double>(part.end - part.begin) / static_cast<double>(end - begin);
  statistics_->set_contributes(weight_ > 0);
  return part_of(begin, end);
}

double DataParallel::whole_loss(const torch::Tensor& loss) {
  // A stand-in's loss must not count even when it is no number.
  const double own = weight_ > 0 ? loss.item<double>() * weight_ : 0;
  const auto sum = torch::full({1}, own, torch::kFloat64);
  collective_->sum(sum);
  return sum.item<double>();
}

void DataParallel::backward(const torch::Tensor& loss, bool complete) {
  if (complete) {
    buckets_.backward(loss * weight_);
  } else {
    (loss * weight_).backward();
  }
}

torch::Tensor DataParallel::total(const torch::Tensor& tensor) {
  torch::Tensor sum = tensor.detach().contiguous().clone();
  collective_->sum(sum);
  return sum;
}

std::vector<SampleResult> DataParallel::gather_results(const std::vector<SampleResult>& own, std::size_t count) {
  std::vector<std::vector<double>> rows;
  std::int64_t width = 0;
  for (const auto& result : own) {
    rows.push_back(to_row(result));
    width = std::max(width, static_cast<std::int64_t>(rows.back().size()));
  }
  width = gather(torch::tensor({width}, torch::kInt64)).max().item<std::int64_t>();
  const torch::Tensor table = torch::zeros({static_cast<std::int64_t>(count), width}, torch::kFloat64);
  for (std::size_t i = 0; i < own.size(); ++i) {
    double* row = table.data_ptr<double>() + static_cast<std::int64_t>(own[i].index) * width;
    std::copy(rows[i].begin(), rows[i].end(), row);
  }
  collective_->sum(table);
  std::vector<SampleResult> results;
  for (std::size_t i = 0; i < count; ++i) {
    results.push_back(from_row(table.data_ptr<double>() + static_cast<std::int64_t>(i) * width, i));
  }
  return results;
}

}  // namespace automed::train
