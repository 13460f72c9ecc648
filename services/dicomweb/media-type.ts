// Media types with their parameters, as Content-Type and Accept write them (RFC 9110, 8.3).

export interface MediaType {
  /** In lower case, such as `multipart/related`. */
  type: string;
  /** By their names in lower case; values without quotes. */
  parameters: ReadonlyMap<string, string>;
}

const PARAMETER = /;\s*([^\s=;]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;\s]*))/g;

/** Never throws: what is no media type has an empty type. */
export function parseMediaType(text: string): MediaType {
  const type = /^\s*([^\s;/]+\/[^\s;]+)/.exec(text)?.[1]?.toLowerCase() ?? '';
  const parameters = new Map<string, string>();
  for (const [, name = '', quoted, plain] of text.matchAll(PARAMETER)) {
    parameters.set(name.toLowerCase(), quoted?.replace(/\\(.)/g, '$1') ?? plain ?? '');
  }
  return { type, parameters };
}

/** Media types of an Accept header; commas within quotes separate nothing. */
export function parseAccept(text: string): MediaType[] {
  return (text.match(/(?:"(?:[^"\\]|\\.)*"|[^,"])+/g) ?? []).map(parseMediaType);
}
