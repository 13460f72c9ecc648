import { z } from 'zod';

/** Diseases of trainings on masks; see services/worker/domain/training/alarms.ts. */
const ALARM_KINDS = ['prompt-deaf', 'draws-nothing', 'groups-leak', 'empty-slices-flatter'] as const;

export const alarmSchema = z.object({
  kind: z.enum(ALARM_KINDS),
  /** What was measured, `[0, 1]`. */
  value: z.number(),
  /** A sentence with the number and what to do. */
  advice: z.string(),
});

export type Alarm = z.infer<typeof alarmSchema>;
