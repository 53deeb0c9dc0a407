import { describe, expect, test } from 'vitest';
import {
  EMULATED_CPU,
  planCommandLine,
  planRestoreCommandLine,
  type MachineChoices,
} from '../../../../src/vm/qemu/command-line.plan.js';
import { checkedSocketPath } from '../../../../src/vm/qemu/socket-path.js';
import { SAMPLE_SPEC } from '../../../support/vm/sample-spec.js';

const CHOICES: MachineChoices = {
  accelerator: 'tcg',
  machineType: 'q35',
  cpu: EMULATED_CPU,
  firmware: { kind: 'bios' },
  files: {
    qmpSocket: '/run/mobyvm/vm/qmp.sock',
    consoleSocket: '/run/mobyvm/vm/console.sock',
    consoleLog: '/var/log/mobyvm/console.log',
    kvpSocket: '/run/mobyvm/vm/kvp.sock',
    pidFile: '/run/mobyvm/vm/qemu.pid',
    qemuLog: '/var/log/mobyvm/qemu.log',
  },
};

describe('the command line', () => {
  test('for a BIOS machine under TCG is the tested one', () => {
    expect(planCommandLine(SAMPLE_SPEC, CHOICES).join(' ')).toBe(
      [
        '-name guest=MobyLinuxVM -uuid 0c6d1b0e-7a3f-4a57-9a5b-3f6f1f0a2b11',
        '-machine q35 -accel tcg,thread=single -cpu max,-cx16,-erms,-smap,-smep,-pku,-umip -smp cpus=1 -m size=2048M',
        '-nodefaults -display none -no-reboot -rtc base=utc,clock=host -boot strict=on',
        '-object rng-random,id=rng,filename=/dev/urandom -device virtio-rng-pci,rng=rng',
        '-device virtio-scsi-pci,id=scsi',
        '-blockdev driver=raw,node-name=iso,read-only=on,file.driver=file,file.filename=/opt/mobyvm/mobyvm.iso',
        '-device scsi-cd,bus=scsi.0,drive=iso,bootindex=0',
        '-blockdev driver=qcow2,node-name=data,discard=unmap,detect-zeroes=unmap,cache.direct=off,' +
          'cache.no-flush=off,file.driver=file,file.filename=/var/lib/mobyvm/data.qcow2',
        '-device virtio-blk-pci,drive=data,serial=mobyvm-data,write-cache=on',
        '-netdev tap,id=net,ifname=mobyvm0-tap,script=no,downscript=no',
        '-device virtio-net-pci,netdev=net,mac=02:00:0a:00:4b:02,romfile=',
        '-chardev socket,id=console,path=/run/mobyvm/vm/console.sock,server=on,wait=off,' +
          'logfile=/var/log/mobyvm/console.log,logappend=on',
        '-serial chardev:console -device virtio-serial-pci,id=ports',
        '-chardev socket,id=kvp,path=/run/mobyvm/vm/kvp.sock,server=on,wait=off',
        '-device virtserialport,bus=ports.0,chardev=kvp,name=org.mobyvm.kvp',
        '-chardev socket,id=qmp,path=/run/mobyvm/vm/qmp.sock,server=on,wait=off -mon chardev=qmp,mode=control',
        '-d page -D /var/log/mobyvm/qemu.log -daemonize -pidfile /run/mobyvm/vm/qemu.pid -S',
      ].join(' '),
    );
  });

  test('has the processors that a machine was started with before there was a choice', () => {
    const args = planCommandLine(SAMPLE_SPEC, { ...CHOICES, cpu: undefined }).join(' ');
    expect(args).toContain('-cpu max,-cx16 -smp cpus=2 ');
  });

  test('uses the host’s processors with KVM', () => {
    const args = planCommandLine(SAMPLE_SPEC, { ...CHOICES, accelerator: 'kvm', cpu: undefined }).join(' ');
    expect(args).toContain('-accel kvm -cpu host -smp cpus=2 ');
    expect(args).not.toContain('tcg');
  });

  test('gives a UEFI machine the shared code and its own variables', () => {
    const firmware = { kind: 'uefi', codePath: '/usr/CODE.fd', variablesPath: '/state, 1/vars.fd' } as const;
    expect(planCommandLine(SAMPLE_SPEC, { ...CHOICES, firmware }).join(' ')).toContain(
      '-drive if=pflash,unit=0,format=raw,readonly=on,file=/usr/CODE.fd ' +
        '-drive if=pflash,unit=1,format=raw,file=/state,, 1/vars.fd ',
    );
  });

  test('for a restore describes the same machine and waits for its memory', () => {
    const choices = { ...CHOICES, machineType: 'pc-q35-7.2' };
    expect(planRestoreCommandLine(SAMPLE_SPEC, choices)).toEqual([
      ...planCommandLine(SAMPLE_SPEC, choices),
      '-incoming',
      'defer',
    ]);
  });

  test('doubles commas in every value from outside', () => {
    const spec = {
      ...SAMPLE_SPEC,
      name: 'a,b',
      isoPath: '/i,so',
      dataDisk: { path: '/d,isk', sizeGiB: 1 },
      network: { ...SAMPLE_SPEC.network, attachment: 't,ap' },
    };
    const files = { ...CHOICES.files, consoleLog: '/l,og', kvpSocket: '/k,vp', qmpSocket: '/q,mp' };
    const args = planCommandLine(spec, { ...CHOICES, files });
    for (const text of ['guest=a,,b', '=/i,,so', '=/d,,isk', '=t,,ap,', '=/l,,og,', '=/k,,vp,', '=/q,,mp,']) {
      expect(
        args.some((arg) => arg.includes(text)),
        text,
      ).toBe(true);
    }
  });

  test('has no log file if QEMU would treat its name as a pattern', () => {
    const files = { ...CHOICES.files, qemuLog: '/100%/qemu.log' };
    expect(planCommandLine(SAMPLE_SPEC, { ...CHOICES, files })).not.toContain('-D');
  });
});

describe('a socket path', () => {
  test('can have at most 107 bytes in UTF-8', () => {
    const longest = `/${'x'.repeat(106)}`;
    expect(checkedSocketPath(longest)).toBe(longest);
    expect(() => checkedSocketPath(`${longest}x`)).toThrow(/108 bytes/);
    expect(() => checkedSocketPath(`/${'ü'.repeat(54)}`)).toThrow(/109 bytes/);
  });
});
