#pragma once

#include <napi.h>

#include <functional>
#include <memory>
#include <vector>

#include "binding/completion.h"
#include "core/serial_thread.h"
#include "train/trainer.h"

namespace automed::binding {

/// RawTrainer: every call runs on the trainer's own thread, in order.
class TrainerHandle : public Napi::ObjectWrap<TrainerHandle> {
 public:
  static Napi::Function define(Napi::Env env);
  /// `Trainer.create(options)`.
  static Napi::Value create(const Napi::CallbackInfo& info);
  explicit TrainerHandle(const Napi::CallbackInfo& info);

  /// The thread outlives every job on it; jobs hold the trainer, never the thread.
  struct Session {
    std::shared_ptr<SerialThread> thread;
    std::shared_ptr<std::unique_ptr<train::Trainer>> trainer = std::make_shared<std::unique_ptr<train::Trainer>>();
    std::int64_t trainable_parameter_count = 0;
  };

 private:
  using Work = std::function<Completion::MakeValue(train::Trainer&)>;
  Napi::Value run(Napi::Env env, Work work, const std::vector<Napi::Object>& pins = {});

  Napi::Value trainable_parameter_count(const Napi::CallbackInfo& info);
  Napi::Value add_segmentation_sample(const Napi::CallbackInfo& info);
  Napi::Value add_classification_sample(const Napi::CallbackInfo& info);
  Napi::Value train(const Napi::CallbackInfo& info);
  void set_learning_rate(const Napi::CallbackInfo& info);
  Napi::Value recent_samples(const Napi::CallbackInfo& info);
  Napi::Value measure_batch_norm(const Napi::CallbackInfo& info);
  Napi::Value embedding_stats(const Napi::CallbackInfo& info);
  Napi::Value evaluate(const Napi::CallbackInfo& info);
  Napi::Value predict_masks(const Napi::CallbackInfo& info);
  Napi::Value save_checkpoint(const Napi::CallbackInfo& info);
  Napi::Value load_checkpoint(const Napi::CallbackInfo& info);
  Napi::Value export_weights(const Napi::CallbackInfo& info);
  Napi::Value leave_process_group(const Napi::CallbackInfo& info);
  Napi::Value close(const Napi::CallbackInfo& info);

  Session session_;
};

}  // namespace automed::binding
