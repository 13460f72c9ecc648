// Bounds on text that others wrote. What a caller sent, or a file holds, may be megabytes long; an error or a log line that
// repeats it must stay short.

/** What an error quotes of a caller's text, bytes of UTF-8. */
const QUOTE_BYTES = 64;
/** What an error lists of a caller's or a store's names. */
const LISTED = 20;

/**
 * The text itself, or its beginning with its size: at most `maxBytes` bytes of UTF-8, whole code points only. Half a
 * surrogate pair becomes U+FFFD where the text is cut.
 */
export function cutText(text: string, maxBytes: number): string {
  // One UTF-16 unit takes at most three bytes.
  if (text.length * 3 <= maxBytes) return text;
  const bytes = Buffer.byteLength(text);
  if (bytes <= maxBytes) return text;
  const mark = `... (${bytes} bytes)`;
  const room = maxBytes > mark.length ? maxBytes - mark.length : maxBytes;
  const head = Buffer.from(text.slice(0, room));
  let end = Math.min(room, head.length);
  while (end > 0 && end < head.length && ((head[end] as number) & 0xc0) === 0x80) end -= 1;
  return head.toString('utf8', 0, end) + (room < maxBytes ? mark : '');
}

/** What an error may repeat of a text that a caller sent: its first 64 bytes. */
export function excerpt(text: string): string {
  return cutText(text, QUOTE_BYTES);
}

/** The first 20 items, each cut, and how many more there are. */
export function shortList(items: readonly (string | number)[]): string {
  const shown = items.slice(0, LISTED).map((item) => excerpt(String(item)));
  const more = items.length - shown.length;
  return shown.join(', ') + (more > 0 ? ` and ${more} more` : '');
}
