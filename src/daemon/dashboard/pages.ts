import { readFile } from 'node:fs/promises';
import type { RequestListener } from 'node:http';
import { join } from 'node:path';
import { errnoOf } from '../../core/values/index.js';

interface Page {
  readonly type: string;
  readonly content: Buffer;
}

/** Every file of the dashboard, with the path that it has; there is no other way from a path to a file. */
const FILES = [
  ['/', 'index.html', 'text/html; charset=utf-8'],
  ['/app.js', 'app.js', 'text/javascript; charset=utf-8'],
  ['/app.css', 'app.css', 'text/css; charset=utf-8'],
  ['/icon.svg', 'icon.svg', 'image/svg+xml'],
] as const;

export type Pages = ReadonlyMap<string, Page>;

/** The dashboard's files; none if this installation has been built without them. */
export async function loadPages(folder: string): Promise<Pages> {
  try {
    const pages = FILES.map(async ([path, name, type]) => {
      return [path, { type, content: await readFile(join(folder, name)) }] as const;
    });
    return new Map(await Promise.all(pages));
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return new Map();
    throw error;
  }
}

/** Answers requests for pages. They hold no secret, so they need no token. */
export function answerPages(pages: Pages): RequestListener {
  return ({ url = '', method }, response) => {
    const [path = ''] = url.split('?', 1);
    const page = pages.get(path);
    const isRead = method === 'GET' || method === 'HEAD';
    if (page === undefined || !isRead) {
      response.writeHead(404, { 'Content-Type': 'text/plain; charset=utf-8' });
      response.end(pages.size === 0 ? 'This mobyvm was built without the dashboard.\n' : 'Not found.\n');
      return;
    }
    response.writeHead(200, { 'Content-Type': page.type, 'Content-Length': page.content.length });
    response.end(method === 'HEAD' ? undefined : page.content);
  };
}
