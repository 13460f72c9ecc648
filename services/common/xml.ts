// What XML cannot hold at all, and lone halves of surrogate pairs.
const FORBIDDEN =
  // eslint-disable-next-line no-control-regex
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** Makes any text safe within HTML, XML and SVG, in elements and in quoted attributes. */
export function escapeXml(text: string): string {
  return text.replace(FORBIDDEN, '\ufffd').replace(/[<>&"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
