import { EVENT_TYPE, reportEvent } from '../calls/event-log.js';
import { deleteRegistryKey, setRegistryValue } from '../calls/registry.js';

const SOURCES = 'SYSTEM\\CurrentControlSet\\Services\\EventLog\\Application';
/**
 * A file with messages 1 to 1000 that are nothing but their text. Windows ships it for
 * https://learn.microsoft.com/windows-server/administration/windows-commands/eventcreate.
 */
const MESSAGE_FILE = '%SystemRoot%\\System32\\EventCreate.exe';
const EVENT_ID = 1;

/** Makes the texts of the source readable in the event viewer: https://learn.microsoft.com/windows/win32/eventlog/event-sources */
export function addEventSource(source: string): void {
  const key = `${SOURCES}\\${source}`;
  setRegistryValue(key, 'EventMessageFile', { expanded: MESSAGE_FILE });
  setRegistryValue(key, 'TypesSupported', EVENT_TYPE.error | EVENT_TYPE.warning | EVENT_TYPE.information);
}

export function removeEventSource(source: string): void {
  deleteRegistryKey(`${SOURCES}\\${source}`);
}

/** Writes to the log "Application". */
export function writeEvent(source: string, type: keyof typeof EVENT_TYPE, text: string): void {
  reportEvent(source, EVENT_TYPE[type], EVENT_ID, text);
}
