/** kernel.wat assembled, by Vite and by Jest. */
export const bytes: Uint8Array<ArrayBuffer>;
