import type { Response } from './exchange.js';

/** A difference between the engine and the endpoint that is wanted. */
export interface Difference {
  readonly name: string;
  readonly reason: string;
  /** @param sent all requests of the connection */
  readonly is: (straight: Response | undefined, through: Response | undefined, sent: string) => boolean;
}

const REFUSED = '{"message":"mobyvm: ';

/** A refusal by the endpoint whose message matches, for a request that the engine refuses as well. */
function refusedByBoth(message: RegExp): Difference['is'] {
  return (straight, through) =>
    through !== undefined &&
    message.test(through.body) &&
    through.body.startsWith(REFUSED) &&
    // A path that the engine only redirects is read like the one that it leads to.
    (straight === undefined || straight.status >= 400 || straight.status === 301);
}

/** A refusal before any handler of the API has seen the request. */
function isOfServer(response: Response | undefined): boolean {
  return (
    response !== undefined &&
    [400, 431, 501, 505].includes(response.status) &&
    !response.fields.some((field) => field.startsWith('Api-Version:'))
  );
}

/** docs/architecture.md has this list for users. */
export const DIFFERENCES: readonly Difference[] = [
  {
    name: 'words of a refused head',
    reason: 'a head that both refuse is answered in JSON, and another one of its faults may be named',
    is: (straight, through) => isOfServer(straight) && isOfServer(through),
  },
  {
    name: 'words of a refused head after a response without a length',
    reason: 'the same; the fuzzer reads that refusal as the body of the response',
    is: (straight, through) =>
      straight?.status === through?.status &&
      [straight, through].every((response) => response?.body.startsWith('HTTP/1.1 400 Bad Request\r\n')),
  },
  {
    name: 'a control character in a Trailer field, or in a field without a name',
    reason: 'the engine drops these fields before it checks values',
    is: (_straight, through, sent) =>
      through?.status === 400 &&
      through.body.includes('has a value with a control character') &&
      /^(?:trailer)?:/im.test(sent),
  },
  {
    name: 'a folded line without text after a Host',
    reason:
      'RFC 9112 §5.2 makes it white space at the end of the value; the engine takes it for part of the name',
    is: (straight, _through, sent) =>
      straight?.status === 400 &&
      straight.body.endsWith('malformed Host header') &&
      /^host:.*\r?\n[ \t]+\r?$/im.test(sent),
  },
  {
    name: 'empty lines before a request',
    reason: 'RFC 9112 §2.2 says to skip them; the engine does so only after a POST',
    is: (straight, through) =>
      straight?.status === 400 && straight.body === '400 Bad Request' && through?.status !== 400,
  },
  {
    name: 'a body that ends early, or whose chunks are broken',
    reason: 'a body that holds paths is read to its end before the engine gets it',
    is: refusedByBoth(/its body is|it ends within/),
  },
  {
    name: 'broken chunks that the engine does not read',
    reason: 'they are refused also where the engine ignores the body or its end',
    is: (_straight, through, sent) =>
      through?.status === 400 &&
      (/its body is (?:truncated or )?not chunked/.test(through.body) ||
        // The answer to HEAD has no words.
        (through.body === '' && /^head .*(?:\r?\n.+)*\r?\ntransfer-encoding: *chunked/im.test(sent))),
  },
  {
    name: 'a connection that stays open after an awaited body',
    reason: 'the engine closes it if it answers without having read the body; the endpoint has read it',
    is: (straight, through, sent) =>
      straight === undefined && through !== undefined && /^expect: 100-continue/im.test(sent),
  },
  {
    name: 'JSON that cannot be read',
    reason: 'what cannot be read as the engine reads it is not forwarded where there are rules',
    is: refusedByBoth(/the request body cannot be read/),
  },
  {
    name: 'repeated members',
    reason: 'the engine merges their values, which would carry a bind past the rules',
    is: (_straight, through) => through?.status === 400 && through.body.includes('more than once'),
  },
  {
    name: 'advice for mounts and binds',
    reason: 'a mount of a pipe, and a bind cut at the wrong colon, are refused with the form to use',
    is: refusedByBoth(/type npipe|is not SOURCE:TARGET|begins with an address/),
  },
  {
    name: 'paths of the host',
    reason: 'paths that no drive of the VM stands for are refused with a reason',
    is: (_straight, through) =>
      (through?.body ?? '').startsWith(REFUSED) &&
      /cannot be mounted|relative to the current folder|network path|does not name a drive|is a device|cannot contain|Windows device/.test(
        through?.body ?? '',
      ),
  },
  {
    name: 'an empty or repeated length',
    reason: 'newer engines refuse it as well',
    is: (_straight, through) => through?.status === 400 && through.body.includes('Content-Length'),
  },
];
