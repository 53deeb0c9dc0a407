import { render } from 'preact';
import { App } from './app.js';
import { connection } from './connection.js';
import { currentLive, setLive } from './store.js';
import { takeToken } from './token.js';

if (takeToken() === undefined) setLive({ ...currentLive(), connection: 'locked' });
else connection.connect();

// The address of `mobyvm dashboard` was opened in this tab: only its fragment has changed.
addEventListener('hashchange', () => {
  if (!location.hash.startsWith('#token=') || takeToken() === undefined) return;
  setLive({ ...currentLive(), connection: 'connecting' });
  connection.connect();
});

render(<App />, document.body);
