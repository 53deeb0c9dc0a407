/** The style of index.html: one column that fits a phone, the system's fonts and its light or dark colours. */
export const STYLE = `
:root { color-scheme: light dark; --line: #8886; --soft: #8882; --bad: #c62828; --warn: #b26a00; --good: #2e7d32; }
@media (prefers-color-scheme: dark) { :root { --bad: #ff8a80; --warn: #ffb74d; --good: #81c784; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem; max-width: 72rem; font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; margin: 0 0 .5rem; }
h2 { font-size: 1.2rem; margin: 2rem 0 .5rem; border-bottom: 1px solid var(--line); }
h2 small { font-weight: normal; font-size: .9rem; }
p { margin: .25rem 0; }
.counts { display: flex; flex-wrap: wrap; gap: .5rem; padding: 0; list-style: none; }
.counts li { padding: .1rem .6rem; border: 1px solid var(--line); border-radius: 1rem; }
.badge { font-size: .8rem; font-weight: normal; padding: 0 .5rem; border: 1px solid currentColor; border-radius: 1rem; white-space: nowrap; }
.ok, .fine { color: var(--good); } .failed, .problem { color: var(--bad); } .late, .unknown, .notice { color: var(--warn); }
.findings { margin: 0; } .findings dt { font-weight: 600; margin-top: .75rem; } .findings dd { margin: 0 0 0 1rem; }
.remedy::before { content: "→ "; }
.probe { border-bottom: 1px solid var(--soft); padding: .35rem 0; }
.probe .head { margin: 0; } .probe .head, .probe .reason { padding-left: 1.1rem; } .reason { font-size: .9rem; }
summary { cursor: pointer; } .file { font-size: .9rem; }
pre { margin: .5rem 0; padding: .75rem; background: var(--soft); border-radius: .4rem; overflow: auto; max-height: 28rem; font: .8rem/1.4 ui-monospace, monospace; overflow-wrap: normal; }
@media (max-width: 30rem) { body { padding: .75rem; } pre { font-size: .72rem; } .findings dd { margin-left: .5rem; } }
`;
