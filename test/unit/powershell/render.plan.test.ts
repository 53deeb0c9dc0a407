import { describe, expect, it } from 'vitest';
import { cmdlet, hashtable, secret, type Pipeline } from '../../../src/powershell/index.js';
import { PREAMBLE, renderForLog, renderRequest } from '../../../src/powershell/render.plan.js';

const options = { id: 7, secretText: () => '<secret>' };
const rendered = (pipeline: Pipeline): string => renderForLog(pipeline);

describe('requests', () => {
  it('are one line that answers with its number', () => {
    const line = renderRequest(
      [cmdlet('Get-VMSwitch', { Name: 'a\nb' })],
      { Name: 'text', 'A.B': 'number' },
      options,
    );
    expect(line).not.toMatch(/[\r\n]/);
    expect(line).toContain(
      "Hyper-V\\Get-VMSwitch -Name (-join('a',[char]10,'b')) -ErrorAction Stop|ForEach-Object{",
    );
    expect(line).toContain("'A.B'=(ConvertTo-MobyvmNumber $_.'A'.'B')");
    expect(line).toContain("'#mobyvm:7:'+");
    for (const each of PREAMBLE) expect(each).not.toMatch(/[\r\n]/);
  });

  it('stop at the first error and never prompt', () => {
    expect(rendered([cmdlet('Remove-VM', { Name: 'x', Force: true })])).toBe(
      "Hyper-V\\Remove-VM -Name 'x' -Force -Confirm:$false -ErrorAction Stop",
    );
    expect(rendered([cmdlet('Remove-VM', { Name: 'x', Force: false })])).not.toContain('-Force');
  });

  it('name the module of a cmdlet, because other modules have a Get-VM too; PowerShell’s own need none', () => {
    expect(rendered([cmdlet('Get-VM')])).toBe('Hyper-V\\Get-VM -ErrorAction Stop');
    expect(rendered([cmdlet('Start-Service', { Name: 'x' })])).toMatch(/^Start-Service /);
  });

  it('pass objects on, and filter them by value', () => {
    const line = rendered([
      cmdlet('Get-VMIntegrationService', { VMName: 'x' }),
      { where: 'Id', equals: "it's" },
      cmdlet('Enable-VMIntegrationService'),
    ]);
    expect(line).toBe(
      "Hyper-V\\Get-VMIntegrationService -VMName 'x' -ErrorAction Stop | Where-Object -Property 'Id' -EQ -Value 'it''s' | " +
        'Hyper-V\\Enable-VMIntegrationService -Confirm:$false -ErrorAction Stop',
    );
  });

  it('can pass the output of another cmdlet, also within arguments', () => {
    const service = cmdlet('Get-CimInstance', { ClassName: 'Msvm_ComputerSystem' });
    const call = cmdlet('Invoke-CimMethod', {
      ...{ InputObject: service, MethodName: 'AddKvpItems' },
      Arguments: hashtable({ TargetSystem: service, DataItems: ['<a/>'] }),
    });
    const nested = "(CimCmdlets\\Get-CimInstance -ClassName 'Msvm_ComputerSystem' -ErrorAction Stop)";
    expect(rendered([call])).toContain(
      `-InputObject ${nested} -MethodName 'AddKvpItems' -Arguments @{'TargetSystem'=${nested};'DataItems'=@('<a/>')}`,
    );
  });

  it('contain secrets only where they are to be sent', () => {
    const pipeline: Pipeline = [cmdlet('New-LocalUser', { Name: 'x', Password: secret('hidden') })];
    expect(renderRequest(pipeline, undefined, options)).toContain('-Password <secret>');
    expect(renderForLog(pipeline)).toContain('-Password ***');
    for (const line of [renderRequest(pipeline, undefined, options), renderForLog(pipeline)])
      expect(line).not.toContain('hidden');
  });

  it('for cmdlets and parameters that the table lacks are bugs', () => {
    expect(() => rendered([{ cmdlet: 'Invoke-Expression', parameters: {} }])).toThrow(
      'not in the table of cmdlets',
    );
    expect(() => rendered([{ cmdlet: 'Get-VM', parameters: { '-x': 1 } }])).toThrow('has no parameter');
    expect(() => rendered([{ cmdlet: 'Get-VM', parameters: { constructor: 1 } }])).toThrow(
      'has no parameter',
    );
  });
});
