/** Error of the REST API 1.8 document: HTTP status, the code in the body and a short English text. */
export class CryptshareError extends Error {
  override readonly name = 'CryptshareError';
  readonly status: number;
  readonly code: number;
  readonly retryAfterSeconds: number | undefined;

  constructor(status: number, code: number, message: string, retryAfterSeconds?: number) {
    super(message);
    this.status = status;
    this.code = code;
    this.retryAfterSeconds = retryAfterSeconds;
  }

  /** Body of the answer; unlike others, it is not wrapped in `data`. */
  get body(): { errorCode: number; errorMessage: string } {
    return { errorCode: this.code, errorMessage: this.message };
  }
}

export const missing = (parameter: string) => new CryptshareError(400, 1002, `Required ${parameter} is missing.`);

export const malformed = (parameter: string, status: 400 | 404 = 400) =>
  new CryptshareError(status, 1004, `Bad value of ${parameter}.`);

export const badPathVariable = (name: string) => new CryptshareError(400, 1005, `Bad path variable ${name}.`);

export const noSuchEndpoint = () => new CryptshareError(404, 1006, 'The endpoint does not exist.');

export const noSuchTransfer = () => new CryptshareError(404, 2003, 'The transfer does not exist.');

export const tooManyVerifications = (retryAfterSeconds: number) =>
  new CryptshareError(429, 2007, 'Too many requests.', retryAfterSeconds);

export const unsupportedVersion = () => new CryptshareError(404, 2004, 'The requested API version is not supported.');

export const notLicensed = () => new CryptshareError(403, 3001, 'The product is not licensed.');

export const notVerified = (status: 401 | 403) => new CryptshareError(status, 3002, 'Invalid verification data.');

export const unhandled = () => new CryptshareError(500, 5000, 'Unhandled server error.');
