import { invalidRequest } from '../../contract/error.js';
import type { Validator } from '../../contract/validation.js';
import type { Interceptor } from '../interceptor.js';
import { isStream, mapStream } from '../stream.js';

/** Server side: checks the request, or each message of a stream, against the rules of the contract. */
export function validateInterceptor(validator: Validator): Interceptor {
  return (next) => (call) => {
    const check = (bytes: Uint8Array) => {
      const violations = validator.check(call.method.input, bytes);
      if (violations.length > 0) throw invalidRequest(violations);
      return bytes;
    };
    return next({ ...call, body: isStream(call.body) ? mapStream(call.body, check) : check(call.body) });
  };
}
