// Names in expressions of Prometheus against what running programs offer.

import { status } from '@grpc/grpc-js';

/** Metric -> label -> values that were seen. */
export type Offered = ReadonlyMap<string, ReadonlyMap<string, ReadonlySet<string>>>;

/** An expression and the texts that show its labels. */
export interface Asked {
  where: string;
  expr: string;
  texts: readonly string[];
}

/** What Prometheus adds to every series of a pod, and to those of a histogram. */
const FROM_PROMETHEUS = ['pod', 'namespace', 'le'];
/** Values that a short run does not show; any status can come. */
const STATUSES = new Set(Object.keys(status));
/** Series that only other machines have: on a CPU no accelerator has memory. */
const ELSEWHERE: Readonly<Record<string, string[]>> = { automed_device_memory_bytes: ['state'] };

const METRIC = /\b((?:automed|process|nodejs)_[a-z0-9_]+)(?:\{([^}]*)\})?/g;

/** Reads the text format of /metrics into what was offered before. */
export function readMetrics(text: string, into: Map<string, Map<string, Set<string>>>): void {
  for (const [, name, type] of text.matchAll(/^# TYPE (\S+) (\S+)/gm)) {
    const names = type === 'histogram' ? ['_bucket', '_sum', '_count'].map((end) => `${name}${end}`) : [`${name}`];
    for (const each of names) into.set(each, into.get(each) ?? new Map());
  }
  for (const [, name = '', labels = ''] of text.matchAll(/^([a-z_0-9]+)\{(.*)\} /gm)) {
    const known = into.get(name) ?? new Map<string, Set<string>>();
    into.set(name, known);
    for (const [, label = '', value = ''] of labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)) {
      known.set(label, (known.get(label) ?? new Set()).add(value));
    }
  }
}

/** One sentence for each name that nothing offers. */
export function metricProblems(asked: readonly Asked[], offered: Offered): string[] {
  return asked.flatMap(({ where, expr, texts }) => {
    const metrics = [...expr.matchAll(METRIC)].map(([, name = '', matchers = '']) => ({ name, matchers }));
    if (metrics.length === 0) return [`${where}: names no metric`];
    const missing = metrics.filter(({ name }) => !offered.has(name));
    if (missing.length > 0) return missing.map(({ name }) => `${where}: there is no metric ${name}`);
    const shown = texts.flatMap((text) =>
      [...text.matchAll(/\{\{ ?(?:\$labels[.])?(\w+) ?\}\}/g)].map(([, label]) => label),
    );
    const grouped = [...expr.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, list = '']) => list.split(/, */));
    const kept = grouped.length === 0 ? undefined : new Set(grouped);
    return [
      ...metrics.flatMap(({ name, matchers }) => matcherProblems(where, name, matchers, offered)),
      ...metrics.flatMap(({ name }) =>
        [...grouped, ...(shown as string[])]
          .filter((label) => !hasLabel(offered, name, label))
          .map((label) => `${where}: ${name} has no label ${label}`),
      ),
      ...(shown as string[])
        .filter((label) => kept && !kept.has(label))
        .map((label) => `${where}: the expression drops the label ${label}`),
    ];
  });
}

function hasLabel(offered: Offered, metric: string, label: string): boolean {
  return (
    FROM_PROMETHEUS.includes(label) ||
    (ELSEWHERE[metric]?.includes(label) ?? false) ||
    (offered.get(metric)?.has(label) ?? false)
  );
}

function matcherProblems(where: string, metric: string, matchers: string, offered: Offered): string[] {
  return [...matchers.matchAll(/(\w+)(=~|!~|!=|=)"([^"]*)"/g)].flatMap(([, label = '', , value = '']) => {
    if (!hasLabel(offered, metric, label)) return [`${where}: ${metric} has no label ${label}`];
    if (FROM_PROMETHEUS.includes(label)) return [];
    const seen = offered.get(metric)?.get(label) ?? new Set();
    return value
      .split('|')
      .filter((each) => !seen.has(each) && !(label === 'code' && STATUSES.has(each)))
      .map((each) => `${where}: ${metric} has no ${label} ${each}`);
  });
}
