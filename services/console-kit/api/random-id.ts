/** 64 random bits, hexadecimal: of a request that may be sent again, or a file. */
export const randomId = (): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(8)), (byte) => byte.toString(16).padStart(2, '0')).join('');
