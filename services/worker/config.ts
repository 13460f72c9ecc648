/** How the AWS SDK is to address buckets; it reads credentials, region and endpoint from its own variables. */
export function s3Settings(environment = process.env): { forcePathStyle: boolean } {
  const { AWS_ENDPOINT_URL_S3: own, AWS_ENDPOINT_URL: general } = environment;
  return { forcePathStyle: (own ?? general ?? '') !== '' };
}
