const KEY = 'mobyvm.token';

/** The secret that `mobyvm dashboard` puts into the fragment, which browsers send to nobody. Kept for this tab only. */
export function takeToken(): string | undefined {
  const given = new URLSearchParams(location.hash.slice(1)).get('token');
  if (given !== null) {
    keepToken(given);
    history.replaceState(null, '', '#/');
  }
  return sessionStorage.getItem(KEY) ?? undefined;
}

export function keepToken(token: string): void {
  sessionStorage.setItem(KEY, token);
}
