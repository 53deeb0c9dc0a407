import { describe, expect, it } from 'vitest';
import { MobyvmError } from '../../../../src/core/values/index.js';
import { PowerShellError, type PowerShellFailure } from '../../../../src/powershell/index.js';
import { hypervError, orHypervError } from '../../../../src/vm/hyperv/hyperv-error.js';

const failure = (more: object): PowerShellError =>
  new PowerShellError({
    ...{ errorId: 'Unspecified', category: 'NotSpecified', hresult: 0, command: 'Start-VM' },
    message: 'Das ging\r\nnicht.',
    ...more,
  });

describe('a failed call', () => {
  it.each<[Partial<PowerShellFailure>, string, RegExp, RegExp]>([
    [{ hresult: 0x8007_0005, command: 'Get-VM' }, 'MOBYVM_HYPERV', /access was denied/, /administrator/],
    [
      { category: 'PermissionDenied', command: 'Get-VM' },
      'MOBYVM_HYPERV',
      /access was denied/,
      /administrator/,
    ],
    [{ hresult: 0x8007_000e }, 'MOBYVM_HYPERV', /not have enough free memory/, /vm.memoryMiB/],
    [{ hresult: 0x8007_0020 }, 'MOBYVM_HYPERV', /in use by another program/, /virus scanner/],
    [{ category: 'ResourceBusy' }, 'MOBYVM_HYPERV', /in use/, /run the command again/],
    [{ hresult: 0x8007_0070 }, 'MOBYVM_DISK_FULL', /disk is full/, /Free up some space/],
    [{ hresult: 0x8007_0bc2 }, 'MOBYVM_HYPERV', /must be restarted/, /Restart Windows/],
    [{ hresult: 0x8007_05aa }, 'MOBYVM_HYPERV', /not have enough free memory/, /vm.memoryMiB/],
    [{ errorId: 'AccessDenied' }, 'MOBYVM_HYPERV', /for one of its files/, /Virtual Machines/],
    [{ hresult: 0xc03a_001a }, 'MOBYVM_HYPERV', /compressed or encrypted/, /compact/],
    [{ errorId: 'OutOfMemory' }, 'MOBYVM_HYPERV', /not have enough free memory/, /vm.memoryMiB/],
    [{ errorId: 'ObjectInUse' }, 'MOBYVM_HYPERV', /in use/, /run the command again/],
    [{ errorId: 'InvalidState' }, 'MOBYVM_HYPERV', /in the wrong state/, /Hyper-V Manager/],
    [{ errorId: 'ObjectNotFound' }, 'MOBYVM_HYPERV', /does not exist/, /recreated/],
    [{ category: 'SecurityError' }, 'MOBYVM_HYPERV', /a policy/, /Get-ExecutionPolicy/],
    [
      { errorId: 'CommandNotFoundException' },
      'MOBYVM_HYPERV',
      /Hyper-V's PowerShell module is missing or cannot/,
      /Microsoft-Hyper-V-Management-PowerShell.*Install-WindowsFeature/,
    ],
    [
      { errorId: 'CouldNotAutoLoadModule', command: 'Get-NetNat' },
      'MOBYVM_HYPERV',
      /module NetNat is missing/,
      /sfc/,
    ],
    [{ hresult: 0x8000_4005 }, 'MOBYVM_HYPERV', /failed with 0x80004005/, /mobyvm doctor/],
    [{ errorId: 'SomethingElse' }, 'MOBYVM_HYPERV', /SomethingElse/, /mobyvm doctor/],
  ])('with %o is %s', (more, code, message, remedy) => {
    const error = hypervError('It was not started', failure(more)) as MobyvmError;
    expect(error).toBeInstanceOf(MobyvmError);
    expect(error.code).toBe(code);
    expect(error.message).toMatch(message);
    expect(error.message).toContain('Windows says: Das ging nicht.');
    expect(error.remedy).toMatch(remedy);
    expect(error.details).toMatchObject({ command: more.command ?? 'Start-VM' });
  });

  it('of another kind is unchanged', async () => {
    const abort = new MobyvmError('MOBYVM_ABORTED', 'enough', '');
    await expect(orHypervError('x', () => Promise.reject(abort))).rejects.toBe(abort);
    expect(hypervError('x', abort)).toBe(abort);
    expect(await orHypervError('x', () => Promise.resolve(7))).toBe(7);
  });
});
