/** Errors of certificates, of their files, and of the protocol, as Node and OpenSSL name them. */
const TLS_FAULT =
  /^(ERR_(SSL|TLS|OSSL)_|CERT_|CRL_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|ERROR_IN_|INVALID_(CA|PURPOSE)|PATH_LENGTH_|HOSTNAME_|EPROTO)/;

/** Whether a connection failed for its certificates or its TLS, which no retry mends. */
export function isTlsFault(code: string | undefined): code is string {
  return code !== undefined && TLS_FAULT.test(code);
}
