// Every English text of the console, a file for each page in one folder, for translation.

import { data } from './en/data';
import { deliveries } from './en/deliveries';
import { interactive } from './en/interactive';
import { jobs } from './en/jobs';
import { models } from './en/models';
import { operations } from './en/operations';
import { reviewing } from './en/review';
import { shell } from './en/shell';
import { tryPage } from './en/try';
import { viewing } from './en/viewing';
import { words } from './en/words';

export const t = {
  ...shell,
  ...words,
  ...viewing,
  ...reviewing,
  try: tryPage,
  interactive,
  jobs,
  models,
  deliveries,
  operations,
  data,
} as const;
