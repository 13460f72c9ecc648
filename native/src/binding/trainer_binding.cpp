#include "binding/trainer_binding.h"

#include <limits>
#include <string>
#include <utility>

#include "binding/convert.h"
#include "binding/results.h"
#include "binding/trainer_options.h"

namespace automed::binding {
namespace {

constexpr std::int64_t kMaxSteps = 1 << 24;

train::Split read_split(const Napi::Value& value) {
  static const Choices<train::Split> kSplits = {
      {"train", train::Split::kTrain}, {"validation", train::Split::kValidation}, {"test", train::Split::kTest}};
  return read_choice(value, "split", kSplits);
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
    auto [threads, options] = read_trainer_settings(read_object(info[0], "options"));
    const auto completion = Completion::start(env);
    const auto promise = completion.promise();
    auto session = std::make_shared<Session>();
    session->thread = std::make_shared<SerialThread>(threads);
    auto& thread = *session->thread;
    AddonData::of(env).stoppers.emplace_back([weak = std::weak_ptr(session->thread)] {
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
      return [result](Napi::Env env) { return step_to_js(env, result); };
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
    return [samples = trainer.recent_samples()](Napi::Env env) { return to_value(env, samples); };
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
    return [stats = trainer.embedding_stats()](Napi::Env env) { return embedding_stats_to_js(env, stats); };
  });
}

Napi::Value TrainerHandle::evaluate(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const auto split = read_split(info[0]);
    return run(info.Env(), [split](train::Trainer& trainer) -> Completion::MakeValue {
      auto results = trainer.evaluate(split);
      return [results = std::move(results)](Napi::Env env) { return results_to_js(env, results); };
    });
  });
}

Napi::Value TrainerHandle::predict_masks(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const auto split = read_split(info[0]);
    const auto index = static_cast<std::size_t>(read_integer(info[1], "index", 0, kMaxSafeInteger));
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
  auto trainer = DefineClass(env, "Trainer",
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
  AddonData::of(env).trainer_class = Napi::Persistent(trainer);
  return trainer;
}

}  // namespace automed::binding
