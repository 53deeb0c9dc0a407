import type { MountOutcome, MountStep } from '../guest-mounts.js';
import { shareCommand } from '../share-command.plan.js';

/** What failed, for a person. */
export interface ShareFailure {
  /** `host`: seen on the host, before the VM was asked; `probe`: it was mounted, and fails now; `vm`: no answer. */
  readonly step: 'host' | MountStep | 'probe' | 'vm';
  /** A sentence without its full stop. */
  readonly reason: string;
  /** What the user can do, as a sentence. */
  readonly remedy: string;
}

export interface FailedShare {
  readonly state: 'needs-credentials' | 'unreachable' | 'refused';
  readonly failure: ShareFailure;
}

/** include/uapi/asm-generic/errno{-base,}.h of Linux. */
const ENOENT = 2;
const EIO = 5;
const EAGAIN = 11;
const EACCES = 13;
const ECONNREFUSED = 111;
const ETIMEDOUT = 110;
const EHOSTDOWN = 112;
const EHOSTUNREACH = 113;
const ESTALE = 116;
const ENOKEY = 126;
const EKEYEXPIRED = 127;
const EKEYREVOKED = 128;
const EKEYREJECTED = 129;

const LOGIN_ERRORS: readonly number[] = [EACCES, ENOKEY, EKEYEXPIRED, EKEYREVOKED, EKEYREJECTED];
const SERVER_ERRORS: readonly number[] = [0, EIO, EAGAIN, ECONNREFUSED, ETIMEDOUT, EHOSTDOWN, EHOSTUNREACH];
const GONE_ERRORS: readonly number[] = [ENOENT, ESTALE];

const CHECK = (name: string): string => `\`${shareCommand('check', name)}\` shows where it fails.`;
const RETRIES = 'mobyvm keeps trying.';

/** The state that follows from a mount that failed. */
export function failureOfMount(
  { step, errno, text }: Extract<MountOutcome, { readonly ok: false }>,
  name: string,
): FailedShare {
  const detail = detailOf(errno, text);
  // A server that is silent says nothing about the login, nor about the folder.
  if (errno === 0 && ['login', 'tree'].includes(step)) return failureOfLastStep(errno, name, detail);
  switch (step) {
    case 'tcp':
      return {
        state: 'unreachable',
        failure: {
          step,
          reason: `the VM cannot connect to the file server for ${name}: ${tcpReason(errno)}`,
          remedy: `${tcpRemedy(errno)} ${RETRIES}`,
        },
      };
    case 'negotiate':
      return {
        state: 'unreachable',
        failure: {
          step,
          reason: `the file server for ${name} does not speak SMB 3 with the VM${detail}`,
          remedy: `If a policy restricts SMB on this host, allow SMB 3.1.1. ${RETRIES}`,
        },
      };
    case 'login':
      return { state: 'needs-credentials', failure: { step, ...wrongLogin(name, detail) } };
    case 'tree':
      return {
        state: 'refused',
        failure: {
          step,
          reason: LOGIN_ERRORS.includes(errno)
            ? `the account of share ${name} has no right to its folder${detail}`
            : `the file server does not offer ${name}, or its folder is gone${detail}`,
          remedy: `Check that the folder exists and that the account may read it. ${RETRIES}`,
        },
      };
    case 'mount':
      return failureOfLastStep(errno, name, detail);
  }
}

/** The state that follows from a mounted share that fails. */
export function failureOfHealth(errno: number, name: string): FailedShare {
  const detail = detailOf(errno, '');
  if (LOGIN_ERRORS.includes(errno))
    return { state: 'needs-credentials', failure: { step: 'probe', ...wrongLogin(name, detail) } };
  if (GONE_ERRORS.includes(errno)) {
    return {
      state: 'refused',
      failure: {
        step: 'probe',
        reason: `the folder of share ${name} is gone`,
        remedy: `Create it again, or remove the share: ${shareCommand('remove', name)}`,
      },
    };
  }
  return {
    state: 'unreachable',
    failure: {
      step: 'probe',
      reason: `the file server for ${name} no longer answers the VM${detail}`,
      remedy: `${CHECK(name)} ${RETRIES}`,
    },
  };
}

function failureOfLastStep(errno: number, name: string, detail: string): FailedShare {
  if (SERVER_ERRORS.includes(errno)) {
    return {
      state: 'unreachable',
      failure: {
        step: 'mount',
        reason: `the file server for ${name} did not answer the VM in time${detail}`,
        remedy: `${CHECK(name)} ${RETRIES}`,
      },
    };
  }
  return {
    state: 'refused',
    failure: {
      step: 'mount',
      reason: `the VM cannot mount ${name}${detail}`,
      remedy: `See \`mobyvm console\`. ${RETRIES}`,
    },
  };
}

function wrongLogin(name: string, detail: string): { readonly reason: string; readonly remedy: string } {
  return {
    reason: `the file server refuses the login for ${name}: user or password is wrong${detail}`,
    remedy: `Enter the password: ${shareCommand('set-credentials', name)}`,
  };
}

function tcpReason(errno: number): string {
  switch (errno) {
    case ECONNREFUSED:
      return 'nothing listens there';
    case EHOSTUNREACH:
      return 'there is no route to the host';
    case 0:
    case EAGAIN:
    case ETIMEDOUT:
      return 'packets get no answer, as with a firewall that drops them';
    default:
      return `error ${errno}`;
  }
}

function tcpRemedy(errno: number): string {
  return errno === ECONNREFUSED
    ? 'Check with `mobyvm status` whether the file server runs.'
    : 'Allow TCP port 445 from the VM in the firewall of this host.';
}

const MAX_TEXT = 200;

/** The guest is not trusted: its text is one short line. */
function detailOf(errno: number, text: string): string {
  const plain = text
    .replaceAll(/\p{Cc}+/gu, ' ')
    .trim()
    .slice(0, MAX_TEXT);
  if (plain !== '') return ` (${plain})`;
  return errno === 0 ? '' : ` (error ${errno})`;
}
