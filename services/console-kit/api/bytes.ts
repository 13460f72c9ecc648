// Bytes as the JSON of protobuf carries them: base64.

export function toBase64(bytes: Uint8Array): string {
  // Arguments of a call are limited: in pieces, each a multiple of three bytes so that none is padded but the last.
  const size = 3 * 8192;
  let text = '';
  for (let at = 0; at < bytes.length; at += size) text += btoa(String.fromCharCode(...bytes.subarray(at, at + size)));
  return text;
}

export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  const bytes = new Uint8Array(binary.length);
  for (let at = 0; at < binary.length; at += 1) bytes[at] = binary.charCodeAt(at);
  return bytes;
}
