/** `name@version` of what is stored. */
export const referenceOf = ({ manifest }: { manifest: { name: string; version: number } }): string =>
  `${manifest.name}@${manifest.version}`;
