import type { HostAnswer } from '../pwsh-host/stub-calls.js';

type Failure = Extract<HostAnswer, { kind: 'failure' }>['failure'];

/** COR_E_EXCEPTION: the cmdlets of Hyper-V tell no code of their own. */
const GENERIC = 0x8013_1500;

/** What a handler throws when its cmdlet fails. The texts are German: nobody may decide on them. */
export class HostFailure extends Error {
  constructor(readonly failure: Failure) {
    super(failure.message);
  }
}

export function notFound(what: string): HostFailure {
  return new HostFailure({
    errorId: 'ObjectNotFound',
    category: 'ObjectNotFound',
    hresult: GENERIC,
    message: `„${what}“ wurde nicht gefunden.`,
  });
}

/** As the cmdlets that are made from CIM classes say it. */
export function queryNotFound(property: string, value: unknown): HostFailure {
  return new HostFailure({
    errorId: `CmdletizationQuery_NotFound_${property}`,
    category: 'ObjectNotFound',
    hresult: GENERIC,
    message: `Es wurden keine Objekte mit der Eigenschaft „${property}“ gleich „${String(value)}“ gefunden.`,
  });
}

export function invalidState(what: string): HostFailure {
  return new HostFailure({
    errorId: 'InvalidState',
    category: 'InvalidOperation',
    hresult: GENERIC,
    message: `Der Vorgang ist im aktuellen Zustand nicht möglich: ${what}.`,
  });
}

export function outOfMemory(): HostFailure {
  return new HostFailure({
    errorId: 'OutOfMemory',
    category: 'ResourceUnavailable',
    hresult: GENERIC,
    message: 'Nicht genügend Arbeitsspeicher im System.',
  });
}

export function inUse(what: string): HostFailure {
  return new HostFailure({
    errorId: 'ObjectInUse',
    category: 'ResourceBusy',
    hresult: GENERIC,
    message: `„${what}“ wird verwendet.`,
  });
}

/** ERROR_INVALID_PARAMETER of the network stack. */
export function invalidParameter(): HostFailure {
  return new HostFailure({
    errorId: 'Windows System Error 87',
    category: 'InvalidArgument',
    hresult: 0x8007_0057,
    message: 'Falscher Parameter.',
  });
}

export function alreadyExists(what: string): HostFailure {
  return new HostFailure({
    errorId: 'Windows System Error 5010',
    category: 'ResourceExists',
    hresult: 0x8007_1392,
    message: `Das Objekt „${what}“ ist bereits vorhanden.`,
  });
}

/** What may go wrong with any call. */
export const FAULTS = {
  error: {
    errorId: 'Unspecified',
    category: 'NotSpecified',
    hresult: 0x8000_4005,
    message: 'Unbekannter Fehler.',
  },
  denied: {
    errorId: 'AccessDenied',
    category: 'PermissionDenied',
    hresult: GENERIC,
    message: 'Zugriff verweigert.',
  },
  'in use': {
    errorId: 'ObjectInUse',
    category: 'ResourceBusy',
    hresult: GENERIC,
    message:
      'Der Prozess kann nicht auf die Datei zugreifen, da sie von einem anderen Prozess verwendet wird.',
  },
  'reboot pending': {
    errorId: 'RebootRequired',
    category: 'InvalidOperation',
    hresult: 0x8007_0bc2,
    message:
      'Der angeforderte Vorgang ist erfolgreich. Die Änderungen werden erst nach einem Neustart wirksam.',
  },
} satisfies Record<string, Failure>;
