// The calls that the documentation makes from a shell, by grpcurl or `buf curl`.

export interface ShellCall {
  /** Full name of the service. */
  service: string;
  method: string;
  /** The request as JSON; empty when the call has none. */
  json: string;
}

const JSON_ARGUMENT = /-d '(\{[^']*\})'/;
/** A request written by printf, whose bytes the shell puts in. */
const PRINTED = /printf '(\{[^']*\})'/;
const METHOD = /\b([a-z][\w.]*\.[A-Z]\w*)\/([A-Z]\w*)\b/;

/** The calls of a block, each a line of its own once continued lines are joined. */
export function callsOf(block: string): ShellCall[] {
  const lines = block.replace(/(\\|\|)\n\s*/g, (_, end: string) => (end === '|' ? '| ' : '')).split('\n');
  return lines.flatMap((line) => {
    const [, service, method] = METHOD.exec(line) ?? [];
    if (service === undefined || method === undefined) return [];
    const [, json = ''] = JSON_ARGUMENT.exec(line) ?? PRINTED.exec(line) ?? [];
    return [{ service, method, json: json.replaceAll('%s', 'AAAA') }];
  });
}
