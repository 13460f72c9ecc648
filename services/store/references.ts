/** `name@version` */
export const referenceOf = ({ manifest }: { manifest: { name: string; version: number } }): string =>
  `${manifest.name}@${manifest.version}`;
