import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { z } from 'zod';

const PAGE = resolve(import.meta.dirname, '../../../docs/windows-run.md');
const PROMPT = 'C:\\> ';

export const transcriptSchema = z.array(z.object({ command: z.string(), output: z.string() }));
type Transcript = z.infer<typeof transcriptSchema>;

/** Writes docs/windows-run.md if `MOBYVM_WRITE_TRANSCRIPT` is set. */
export async function writeOnRequest(transcript: Transcript): Promise<void> {
  if (process.env['MOBYVM_WRITE_TRANSCRIPT']) await writeFile(PAGE, pageOf(transcript));
}

function pageOf(transcript: Transcript): string {
  const shown = transcript.map(({ command, output }) => `${PROMPT}${command}\n${output.trimEnd()}`.trimEnd());
  return `# A run on Windows

What \`test/windows/flagship.test.ts\` does, and what it got when this page was written. The programs are those of the installer, in
Node.js for Windows under Wine; only that they take elevation for granted is the test's, as Wine's \`whoami\` does not tell it. Hyper-V, shares and the network are simulated in PowerShell's engine, and made real on Linux: the
VM is the same guest in QEMU, and Samba serves its shares. \`docker\` is the client for Linux, whose connections lead through
\`\\\\.\\pipe\\docker_engine\`; Node.js for Windows does what \`curl\`, \`type\` and \`sc\` would. During an upgrade, Windows removes the
older version with \`UPGRADINGPRODUCTCODE\`; Wine does not, so that is a command here. QEMU emulates the processor, so the times
say little. The test writes this page if \`MOBYVM_WRITE_TRANSCRIPT\` is set.

\`\`\`console
${shown.join('\n')}
\`\`\`
`;
}
