#include "binding/trainer_binding.h"

#include <limits>
#include <string>
#include <utility>

#include "binding/convert.h"

namespace automed::binding {
namespace {

constexpr std::int64_t kMaxSteps = 1 << 24;
constexpr std::int64_t kMaxStructures = 64;
constexpr std::int64_t kMaxRotationSteps = 3600;
constexpr std::int64_t kMaxSeed = (std::int64_t{1} << 53) - 1;  // Number.MAX_SAFE_INTEGER

train::Split read_split(const Napi::Value& value) {
  const auto name = read_string(value, "split");
  if (name == "train") return train::Split::kTrain;
  if (name == "validation") return train::Split::kValidation;
  if (name == "test") return train::Split::kTest;
  throw Error(ErrorCode::kInvalidArgument, "split must be train, validation or test", "split");
}

pipeline::Task read_task(const Napi::Value& value) {
  const auto name = read_string(value, "task");
  for (const auto task : {pipeline::Task::kSegmentation, pipeline::Task::kClassification}) {
    if (name == pipeline::name_of(task)) return task;
  }
  throw Error(ErrorCode::kInvalidArgument, "task must be segmentation or classification", "task");
}

double read_at_least_zero(const Napi::Value& value, const std::string& field) {
  const double number = read_number(value, field);
  if (number < 0) throw Error(ErrorCode::kInvalidArgument, field + " must not be negative", field);
  return number;
}

train::EncoderTraining read_encoder_training(const Napi::Value& value) {
  const auto name = read_string(value, "encoder");
  if (name == "frozen") return train::EncoderTraining::kFrozen;
  if (name == "adapters") return train::EncoderTraining::kAdapters;
  if (name == "all") return train::EncoderTraining::kAll;
  throw Error(ErrorCode::kInvalidArgument, "encoder must be frozen, adapters or all", "encoder");
}

constexpr std::int64_t kMaxTimeoutMs = 7LL * 24 * 3600 * 1000;

train::RankOptions read_process_group(const Napi::Object& o) {
  train::RankOptions process_group;
  process_group.rank = read_integer(o.Get("rank"), "rank", 0, kMaxSeed);
  process_group.world_size = read_integer(o.Get("worldSize"), "worldSize", 1, kMaxSeed);
  process_group.master_address = read_string(o.Get("masterAddress"), "masterAddress");
  process_group.master_port =
      read_integer(o.Get("masterPort"), "masterPort", 1, std::numeric_limits<std::uint16_t>::max());
  const auto milliseconds = [&](const char* field) {
    return std::chrono::milliseconds(read_integer(o.Get(field), field, 1, kMaxTimeoutMs));
  };
  process_group.rendezvous_timeout = milliseconds("rendezvousTimeoutMs");
  process_group.collective_timeout = milliseconds("collectiveTimeoutMs");
  return process_group;
}

double read_dropout(const Napi::Value& value) {
  const double share = read_at_least_zero(value, "dropout");
  if (share >= 1) throw Error(ErrorCode::kInvalidArgument, "dropout must lie in [0, 1)", "dropout");
  return share;
}

std::optional<train::EmbeddingCacheOptions> read_embedding_cache(const Napi::Object& o) {
  const auto path = read_optional_string(o.Get("embeddingCachePath"), "embeddingCachePath");
  if (!path) return std::nullopt;
  return train::EmbeddingCacheOptions{
      .path = *path,
      .max_bytes = read_integer(o.Get("embeddingCacheBytes"), "embeddingCacheBytes", 0, kMaxSeed),
      .base_digest = read_string(o.Get("baseSha256"), "baseSha256")};
}

train::TrainerOptions read_trainer_options(const Napi::Object& o) {
  train::TrainerOptions options;
  options.device = read_string(o.Get("device"), "device");
  options.task = read_task(o.Get("task"));
  options.base_architecture = read_string(o.Get("baseArchitecture"), "baseArchitecture");
  options.base_weights_path = read_string(o.Get("baseWeightsPath"), "baseWeightsPath");
  options.head_architecture = read_optional_string(o.Get("headArchitecture"), "headArchitecture");
  options.preprocessing = read_optional_string(o.Get("preprocessing"), "preprocessing");
  options.head_weights_path = read_optional_string(o.Get("headWeightsPath"), "headWeightsPath");
  options.backbone_weights_path = read_optional_string(o.Get("backboneWeightsPath"), "backboneWeightsPath");
  options.encoder = read_encoder_training(o.Get("encoder"));
  options.structures = read_integer(o.Get("structures"), "structures", 1, kMaxStructures);
  // Absent, too: callers of before have none.
  const auto threshold = o.Get("threshold");
  if (!threshold.IsNull() && !threshold.IsUndefined()) options.threshold = read_number(threshold, "threshold");
  options.seed = static_cast<std::uint64_t>(read_integer(o.Get("seed"), "seed", 0, kMaxSeed));
  const auto optimizer = read_string(o.Get("optimizer"), "optimizer");
  if (optimizer != "adam" && optimizer != "adamw") {
    throw Error(ErrorCode::kInvalidArgument, "optimizer must be adam or adamw", "optimizer");
  }
  options.optimizer = optimizer == "adam" ? train::OptimizerKind::kAdam : train::OptimizerKind::kAdamW;
  options.learning_rate = read_at_least_zero(o.Get("learningRate"), "learningRate");
  options.weight_decay = read_at_least_zero(o.Get("weightDecay"), "weightDecay");
  options.batch_size = read_integer(o.Get("batchSize"), "batchSize", 1, kMaxBatch);
  options.accumulation_steps = read_integer(o.Get("accumulationSteps"), "accumulationSteps", 1, kMaxBatch);
  options.augment.horizontal_flip = read_boolean(o.Get("horizontalFlip"), "horizontalFlip");
  options.augment.vertical_flip = read_boolean(o.Get("verticalFlip"), "verticalFlip");
  options.augment.rotation_degrees = read_at_least_zero(o.Get("rotationDegrees"), "rotationDegrees");
  options.augment.rotation_steps = read_integer(o.Get("rotationSteps"), "rotationSteps", 0, kMaxRotationSteps);
  options.batch_norm_momentum = read_at_least_zero(o.Get("batchNormMomentum"), "batchNormMomentum");
  options.gradient_clip = read_at_least_zero(o.Get("gradientClip"), "gradientClip");
  options.precision = read_string(o.Get("precision"), "precision");
  if (!o.Get("dropout").IsNull()) options.dropout = read_dropout(o.Get("dropout"));
  if (!o.Get("processGroup").IsNull())
    options.process_group = read_process_group(read_object(o.Get("processGroup"), "processGroup"));
  options.cache_path = read_string(o.Get("cachePath"), "cachePath");
  options.embeddings = read_embedding_cache(o);
  return options;
}

/// [{ dice, iou }, ...], or null when there are none.
Napi::Value to_js(Napi::Env env, const std::vector<train::Overlap>& overlaps) {
  if (overlaps.empty()) return env.Null();
  auto array = Napi::Array::New(env, overlaps.size());
  for (std::uint32_t i = 0; i < overlaps.size(); ++i) {
    auto object = Napi::Object::New(env);
    object.Set("dice", overlaps[i].dice);
    object.Set("iou", overlaps[i].iou);
    array.Set(i, object);
  }
  return array;
}

Napi::Value to_js(Napi::Env env, const train::SampleResult& result) {
  auto object = Napi::Object::New(env);
  object.Set("index", static_cast<double>(result.index));
  object.Set("loss", result.loss);
  object.Set("structures", to_js(env, result.structures));
  object.Set("point", to_js(env, result.point));
  object.Set("probabilities", result.probabilities.defined() ? to_float_array(env, result.probabilities) : env.Null());
  object.Set("label", result.label ? Napi::Number::New(env, static_cast<double>(*result.label)) : env.Null());
  return object;
}

Napi::Value to_js(Napi::Env env, const std::optional<train::EmbeddingStoreStats>& stats) {
  if (!stats) return env.Null();
  auto object = Napi::Object::New(env);
  object.Set("capacity", static_cast<double>(stats->capacity));
  object.Set("kept", static_cast<double>(stats->kept));
  object.Set("hits", static_cast<double>(stats->hits));
  object.Set("misses", static_cast<double>(stats->misses));
  object.Set("problem", stats->problem.empty() ? env.Null() : Napi::String::New(env, stats->problem));
  return object;
}

Completion::MakeValue undefined() {
  return [](Napi::Env env) { return env.Undefined(); };
}

Completion::MakeValue index_value(std::size_t index) {
  return [index](Napi::Env env) { return Napi::Number::New(env, static_cast<double>(index)); };
}

}  // namespace

Napi::Value TrainerHandle::create(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  return guarded(env, [&]() -> Napi::Value {
    const auto object = read_object(info[0], "options");
    const auto threads = static_cast<int>(read_integer(object.Get("threads"), "threads", 1, kMaxThreads));
    auto options = read_trainer_options(object);
    const auto completion = Completion::start(env);
    const auto promise = completion.promise();
    auto session = std::make_shared<Session>();
    session->thread = std::make_shared<SerialThread>(threads);
    auto& thread = *session->thread;
    AddonData::of(env).stoppers.push_back([weak = std::weak_ptr(session->thread)] {
      if (const auto running = weak.lock()) running->stop();
    });
    // The session moves on to the JS thread with the result: a job that owned its own thread could never end it.
    thread.post([completion, options = std::move(options), session = std::move(session)]() mutable {
      std::optional<Error> failure;
      try {
        *session->trainer = std::make_unique<train::Trainer>(std::move(options));
        session->trainable_parameter_count = (*session->trainer)->trainable_parameter_count();
      } catch (...) {
        failure = current_error();
      }
      completion.resolve([session = std::move(session), failure = std::move(failure)](Napi::Env js) -> Napi::Value {
        if (failure) throw to_js_error(js, *failure);
        return AddonData::of(js).trainer_class.New({Napi::External<Session>::New(js, session.get())});
      });
    });
    return promise;
  });
}

TrainerHandle::TrainerHandle(const Napi::CallbackInfo& info) : Napi::ObjectWrap<TrainerHandle>(info) {
  if (info.Length() != 1 || !info[0].IsExternal()) {
    throw to_js_error(info.Env(), {ErrorCode::kIllegalState, "a trainer is made by Trainer.create only"});
  }
  session_ = std::move(*info[0].As<Napi::External<Session>>().Data());
}

Napi::Value TrainerHandle::run(Napi::Env env, Work work, const std::vector<Napi::Object>& pins) {
  const auto completion = Completion::start(env, pins);
  const auto promise = completion.promise();
  session_.thread->post([completion, trainer = session_.trainer, work = std::move(work)] {
    completion.settle_with([&] {
      if (!*trainer) throw Error(ErrorCode::kIllegalState, "the trainer is closed");
      return work(**trainer);
    });
  });
  return promise;
}

Napi::Value TrainerHandle::trainable_parameter_count(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(session_.trainable_parameter_count));
}

Napi::Value TrainerHandle::add_segmentation_sample(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const auto split = read_split(info[0]);
    const auto object = read_object(info[1], "pixels");
    const auto data = read_object(object.Get("data"), "pixels.data");
    const auto pixels = read_pixels(object, data);
    const auto masks = read_bytes(info[2], "mask");
    const auto* bytes = masks.Data();
    const auto size = masks.ByteLength();
    return run(info.Env(),
               [=](train::Trainer& trainer) {
                 return index_value(trainer.add_segmentation_sample(split, pixels, bytes, size));
               },
               {data, info[2].As<Napi::Object>()});
  });
}

Napi::Value TrainerHandle::add_classification_sample(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const auto split = read_split(info[0]);
    const auto object = read_object(info[1], "pixels");
    const auto data = read_object(object.Get("data"), "pixels.data");
    const auto pixels = read_pixels(object, data);
    const auto label = read_integer(info[2], "label", 0, std::numeric_limits<std::int32_t>::max());
    return run(
        info.Env(),
        [=](train::Trainer& trainer) { return index_value(trainer.add_classification_sample(split, pixels, label)); },
        {data});
  });
}

Napi::Value TrainerHandle::train(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const auto steps = read_integer(info[0], "steps", 1, kMaxSteps);
    return run(info.Env(), [steps](train::Trainer& trainer) -> Completion::MakeValue {
      const auto result = trainer.train(steps);
      return [result](Napi::Env env) -> Napi::Value {
        auto object = Napi::Object::New(env);
        object.Set("steps", static_cast<double>(result.steps));
        object.Set("images", static_cast<double>(result.images));
        object.Set("loss", result.loss);
        object.Set("epochDone", result.epoch_done);
        return object;
      };
    });
  });
}

void TrainerHandle::set_learning_rate(const Napi::CallbackInfo& info) {
  guarded(info.Env(), [&] {
    const double rate = read_at_least_zero(info[0], "learningRate");
    session_.thread->post([trainer = session_.trainer, rate] {
      if (*trainer) (*trainer)->set_learning_rate(rate);
    });
  });
}

Napi::Value TrainerHandle::recent_samples(const Napi::CallbackInfo& info) {
  return run(info.Env(), [](train::Trainer& trainer) -> Completion::MakeValue {
    return [samples = trainer.recent_samples()](Napi::Env env) -> Napi::Value {
      auto array = Napi::Array::New(env, samples.size());
      for (std::uint32_t i = 0; i < samples.size(); ++i) array.Set(i, static_cast<double>(samples[i]));
      return array;
    };
  });
}

Napi::Value TrainerHandle::measure_batch_norm(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const auto batches = read_integer(info[0], "batches", 1, kMaxSteps);
    return run(info.Env(), [batches](train::Trainer& trainer) {
      return index_value(static_cast<std::size_t>(trainer.measure_batch_norm(batches)));
    });
  });
}

Napi::Value TrainerHandle::embedding_stats(const Napi::CallbackInfo& info) {
  return run(info.Env(), [](train::Trainer& trainer) -> Completion::MakeValue {
    return [stats = trainer.embedding_stats()](Napi::Env env) { return to_js(env, stats); };
  });
}

Napi::Value TrainerHandle::evaluate(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const auto split = read_split(info[0]);
    return run(info.Env(), [split](train::Trainer& trainer) -> Completion::MakeValue {
      auto results = trainer.evaluate(split);
      return [results = std::move(results)](Napi::Env env) -> Napi::Value {
        auto array = Napi::Array::New(env, results.size());
        for (std::uint32_t i = 0; i < results.size(); ++i) array.Set(i, to_js(env, results[i]));
        return array;
      };
    });
  });
}

Napi::Value TrainerHandle::predict_masks(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const auto split = read_split(info[0]);
    const auto index = static_cast<std::size_t>(read_integer(info[1], "index", 0, kMaxSeed));
    return run(info.Env(), [=](train::Trainer& trainer) -> Completion::MakeValue {
      auto masks = trainer.predict_masks(split, index);
      return [masks](Napi::Env env) { return to_buffer(env, masks); };
    });
  });
}

Napi::Value TrainerHandle::save_checkpoint(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const auto path = read_string(info[0], "path");
    return run(info.Env(), [path](train::Trainer& trainer) {
      trainer.save_checkpoint(path);
      return undefined();
    });
  });
}

Napi::Value TrainerHandle::load_checkpoint(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const auto path = read_string(info[0], "path");
    return run(info.Env(), [path](train::Trainer& trainer) {
      trainer.load_checkpoint(path);
      return undefined();
    });
  });
}

Napi::Value TrainerHandle::export_weights(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const auto head = read_optional_string(info[0], "headPath");
    const auto base = read_optional_string(info[1], "basePath");
    return run(info.Env(), [=](train::Trainer& trainer) {
      trainer.export_weights(head, base);
      return undefined();
    });
  });
}

Napi::Value TrainerHandle::leave_process_group(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    return run(info.Env(), [](train::Trainer& trainer) {
      trainer.leave_process_group();
      return undefined();
    });
  });
}

Napi::Value TrainerHandle::close(const Napi::CallbackInfo& info) {
  const auto completion = Completion::start(info.Env());
  const auto promise = completion.promise();
  session_.thread->post([completion, trainer = session_.trainer] {
    trainer->reset();
    completion.resolve([](Napi::Env env) { return env.Undefined(); });
  });
  return promise;
}

Napi::Function TrainerHandle::define(Napi::Env env) {
  return DefineClass(env, "Trainer",
                     {StaticMethod<&TrainerHandle::create>("create"),
                      InstanceAccessor<&TrainerHandle::trainable_parameter_count>("trainableParameterCount"),
                      InstanceMethod<&TrainerHandle::add_segmentation_sample>("addSegmentationSample"),
                      InstanceMethod<&TrainerHandle::add_classification_sample>("addClassificationSample"),
                      InstanceMethod<&TrainerHandle::train>("train"),
                      InstanceMethod<&TrainerHandle::set_learning_rate>("setLearningRate"),
                      InstanceMethod<&TrainerHandle::recent_samples>("recentSamples"),
                      InstanceMethod<&TrainerHandle::measure_batch_norm>("measureBatchNorm"),
                      InstanceMethod<&TrainerHandle::embedding_stats>("embeddingStats"),
                      InstanceMethod<&TrainerHandle::evaluate>("evaluate"),
                      InstanceMethod<&TrainerHandle::predict_masks>("predictMasks"),
                      InstanceMethod<&TrainerHandle::save_checkpoint>("saveCheckpoint"),
                      InstanceMethod<&TrainerHandle::load_checkpoint>("loadCheckpoint"),
                      InstanceMethod<&TrainerHandle::export_weights>("exportWeights"),
                      InstanceMethod<&TrainerHandle::leave_process_group>("leaveProcessGroup"),
                      InstanceMethod<&TrainerHandle::close>("close")});
}

}  // namespace automed::binding
