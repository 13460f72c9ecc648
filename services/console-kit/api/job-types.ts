// Messages of automed.training.v1 as the JSON of protobuf has them. Comments: proto/.

import type { Task } from './types';

export type JobState =
  | 'TRAINING_JOB_STATE_PENDING'
  | 'TRAINING_JOB_STATE_RUNNING'
  | 'TRAINING_JOB_STATE_PAUSING'
  | 'TRAINING_JOB_STATE_PAUSED'
  | 'TRAINING_JOB_STATE_RESUMING'
  | 'TRAINING_JOB_STATE_CANCELLING'
  | 'TRAINING_JOB_STATE_CANCELLED'
  | 'TRAINING_JOB_STATE_SUCCEEDED'
  | 'TRAINING_JOB_STATE_FAILED';

export interface RecipeOverrides {
  optimizer?: string;
  learningRate?: number;
  weightDecay?: number;
  epochs?: number;
  batchSize?: number;
  horizontalFlip?: boolean;
  verticalFlip?: boolean;
  rotationDegrees?: number;
  schedule?: string;
  patience?: number;
}

export interface TrainingSpec {
  task: Task;
  name: string;
  system?: string;
  data?: string;
  dataset?: string;
  base: string;
  train?: string;
  recipe?: string;
  overrides?: RecipeOverrides;
  validationFraction?: number;
  testFraction?: number;
  seed?: string;
}

export interface EpochMetrics {
  epoch: number;
  trainLoss?: number;
  validationLoss?: number;
  learningRate?: number;
  score?: number;
  mdsc?: number;
  miou?: number;
  pointMdsc?: number;
  accuracy?: number;
  macroF1?: number;
}

export interface TrainingJob {
  id: string;
  name: string;
  spec: TrainingSpec;
  state: JobState;
  stateMessage?: string;
  createTime?: string;
  startTime?: string;
  endTime?: string;
  progress?: {
    epoch?: number;
    epochCount?: number;
    progress?: number;
    etaSeconds?: number;
    latest?: EpochMetrics;
    best?: EpochMetrics;
  };
  result?: { model?: string; base?: string; metrics?: Record<string, number> };
  error?: { reason?: string; message?: string; field?: string };
}

export interface TrainingEvent {
  sequence: string;
  time?: string;
  stateChange?: { state: JobState; message?: string };
  preparation?: { doneCount?: number; totalCount?: number };
  start?: { trainCount?: number; validationCount?: number; testCount?: number; epochCount?: number };
  step?: { epoch: number; loss?: number; imagesPerSecond?: number; progress?: number; etaSeconds?: number };
  epoch?: { metrics: EpochMetrics; best?: boolean; seconds?: number };
  alarms?: { epoch?: number; alarms?: { kind: string; value?: number; advice?: string }[] };
  logLine?: { warning?: boolean; message?: string };
  preview?: { epoch: number; png?: string; pictures?: { name?: string; caption?: string }[] };
}
