/** Whether trained versions are measured in bfloat16, so that services with the same setting may serve them in it. */
export function measuresBfloat16(environment = process.env): boolean {
  return environment.AUTOMED_PRECISION === 'bfloat16';
}
