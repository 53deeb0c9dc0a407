import { describe, expect, it } from 'vitest';
import { cmdlet } from '../../../../src/powershell/index.js';
import {
  INTEGRATION_SERVICES,
  planHardware,
  type FirmwareFound,
  type HardwareFound,
} from '../../../../src/vm/hyperv/hardware.plan.js';
import { SAMPLE_SPEC } from '../../../support/vm/sample-spec.js';

const vm = cmdlet('Get-VM', { Id: { guid: '0c6d1b0e-7a3f-4a57-9a5b-3f6f1f0a2b11' } });
const spec = {
  ...SAMPLE_SPEC,
  firmware: 'uefi',
  isoPath: 'C:\\ProgramData\\mobyvm\\image\\mobyvm.iso',
  dataDisk: { path: 'C:\\ProgramData\\mobyvm\\state\\vm\\data.vhdx', sizeGiB: 64 },
  network: { ...SAMPLE_SPEC.network, attachment: 'mobyvm' },
} as const;
const wanted = { spec, tag: 'mobyvm:x', consolePipe: '\\\\.\\pipe\\mobyvm_console' };
const service = (id: string, isEnabled: boolean) => ({ id: `Microsoft:ABC\\${id.toUpperCase()}`, isEnabled });
const ISO = spec.isoPath;
const DISK = spec.dataDisk.path;
const dvd = (path: string | undefined, controllerLocation = 0) => ({
  path,
  controllerNumber: 0,
  controllerLocation,
});
const RIGHT_ADAPTERS = [{ id: 'A', mac: '02000A004B02', hasDynamicMac: false, switchName: 'mobyvm' }];
const OTHER = { id: 'B', mac: '00155D000001', hasDynamicMac: true, switchName: 'Default Switch' };
type Found = HardwareFound & { readonly firmware: FirmwareFound | undefined };
const FIRMWARE: FirmwareFound = {
  secureBoot: 'Off',
  bootTypes: ['Drive', 'Network', 'Drive'],
  bootPaths: [ISO, DISK],
};
const RIGHT: Found = {
  cpus: 2,
  memoryBytes: 2_147_483_648,
  hasDynamicMemory: false,
  checkpointType: 'Disabled',
  hasAutomaticCheckpoints: false,
  startAction: 'Nothing',
  stopAction: 'ShutDown',
  notes: 'mobyvm:x',
  generation: 2,
  diskPaths: ['c:\\programdata\\mobyvm\\state\\vm\\data.vhdx'],
  dvds: [dvd('C:\\ProgramData\\mobyvm\\image\\mobyvm.iso')],
  firmware: FIRMWARE,
  consolePath: '\\\\.\\pipe\\mobyvm_console',
  adapters: RIGHT_ADAPTERS,
  services: [
    service(INTEGRATION_SERVICES.keyValueExchange, true),
    service(INTEGRATION_SERVICES.guestServiceInterface, false),
    service('5ced1297-4598-4915-a5fc-ad21bb4d02a4', true),
  ],
};

const firmware = (found: Partial<FirmwareFound>): Partial<Found> => ({
  firmware: { ...FIRMWARE, ...found },
});

const fields = (found: Partial<Found>): string[] =>
  planHardware(vm, { ...RIGHT, ...found }, wanted).map(({ field }) => field);

describe('the plan for a Hyper-V machine', () => {
  it('is empty if everything is right, whatever the case of a path', () => {
    expect(fields({})).toEqual([]);
  });

  it.each<[string, Partial<Found>, string[]]>([
    ['another number of processors', { cpus: 1 }, ['processors']],
    ['dynamic memory', { hasDynamicMemory: true }, ['memory']],
    ['another memory size', { memoryBytes: 1 }, ['memory']],
    ['checkpoints', { checkpointType: 'Production' }, ['checkpoints']],
    ['automatic checkpoints', { hasAutomaticCheckpoints: true }, ['checkpoints']],
    ['an automatic start', { startAction: 'Start' }, ['automatic start and stop']],
    ['an automatic save', { stopAction: 'Save' }, ['automatic start and stop']],
    ['other notes', { notes: 'mine now', cpus: 1 }, ['processors, notes']],
    ['no disk', { diskPaths: [] }, ['data disk']],
    ['another ISO', { dvds: [dvd('C:\\old\\mobyvm.iso')] }, ['boot ISO']],
    ['a foreign drive', { dvds: [dvd('D:\\drivers.iso')] }, ['boot ISO', 'firmware']],
    ['an empty drive', { dvds: [dvd(undefined)] }, ['boot ISO']],
    ['no drive', { dvds: [] }, ['boot ISO', 'firmware']],
    [
      'a network that boots first',
      firmware({ bootTypes: ['Network', 'Drive'], bootPaths: [ISO] }),
      ['firmware'],
    ],
    ['a disk that boots first', firmware({ bootTypes: ['Drive'], bootPaths: [DISK, ISO] }), ['firmware']],
    ['nothing when Windows does not report what boots', firmware({ bootTypes: [], bootPaths: [] }), []],
    ['nothing of a second drive', { dvds: [dvd('D:\\x.iso'), dvd(ISO, 1)] }, []],
    ['no adapter', { adapters: [] }, ['network adapter']],
    ['nothing of a second adapter', { adapters: [{ ...OTHER }, ...RIGHT_ADAPTERS] }, []],
    ['secure boot', firmware({ secureBoot: 'On' }), ['firmware']],
    ['no secure boot in generation 1', { generation: 1, firmware: undefined }, []],
    ['another console', { consolePath: '' }, ['console']],
    [
      'a dynamic MAC address',
      { adapters: [{ ...RIGHT.adapters[0]!, hasDynamicMac: true }] },
      ['MAC address'],
    ],
    ['no switch', { adapters: [{ ...RIGHT.adapters[0]!, switchName: undefined }] }, ['switch']],
    [
      'swapped services',
      {
        services: [
          service(INTEGRATION_SERVICES.keyValueExchange, false),
          service(INTEGRATION_SERVICES.guestServiceInterface, true),
        ],
      },
      ['integration service keyValueExchange', 'integration service guestServiceInterface'],
    ],
  ])('corrects %s', (_, found, expected) => {
    expect(fields(found)).toEqual(expected);
  });

  it.each<[string, string[], RegExp]>([
    ['its checkpoint', ['C:\\ProgramData\\mobyvm\\state\\vm\\data_1.avhdx'], /checkpoint/],
    ['another disk', ['D:\\other.vhdx'], /Detach/],
    ['a second disk', [spec.dataDisk.path, 'D:\\x.vhdx'], /Detach/],
  ])('never detaches %s', (_, diskPaths, remedy) => {
    expect(() => fields({ diskPaths })).toThrow(
      expect.objectContaining({ code: 'MOBYVM_DATA_DISK', remedy: expect.stringMatching(remedy) as string }),
    );
  });

  it('changes only its own adapter and drive, by id and location', () => {
    const found = {
      ...RIGHT,
      adapters: [OTHER, { ...RIGHT_ADAPTERS[0]!, mac: '00155D000002' }],
      dvds: [dvd(undefined), dvd(ISO, 1)],
      firmware: { ...FIRMWARE, secureBoot: 'On' },
    };
    const [firmware, mac] = planHardware(vm, found, wanted);
    expect(mac?.pipeline[2]).toEqual({ where: 'Id', equals: 'A' });
    expect(firmware?.pipeline[1]).toMatchObject({
      parameters: { FirstBootDevice: { parameters: { ControllerNumber: 0, ControllerLocation: 1 } } },
    });
  });

  it('finds a service by its id, and a drive by its machine', () => {
    const found = { ...RIGHT, dvds: [], services: [service(INTEGRATION_SERVICES.shutdown, false)] };
    const [iso, firmware, shutdown] = planHardware(vm, found, wanted);
    expect(iso?.pipeline[1]).toEqual(cmdlet('Add-VMDvdDrive', { Path: spec.isoPath }));
    expect(firmware?.pipeline[1]).toMatchObject({
      parameters: { FirstBootDevice: { cmdlet: 'Get-VMDvdDrive', parameters: { VM: vm } } },
    });
    expect(shutdown?.pipeline).toEqual([
      vm,
      cmdlet('Get-VMIntegrationService'),
      { where: 'Id', equals: found.services[0]?.id },
      cmdlet('Enable-VMIntegrationService'),
    ]);
  });
});
