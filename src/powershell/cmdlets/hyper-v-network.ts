import type { CmdletTable } from './kinds.js';

/** Switches and network adapters of virtual machines: module Hyper-V. */
export const HYPER_V_NETWORK = {
  'New-VMSwitch': {
    module: 'Hyper-V',
    confirms: true,
    parameters: {
      AllowManagementOS: 'boolean',
      Name: 'text',
      NetAdapterInterfaceDescription: 'texts',
      NetAdapterName: 'texts',
      Notes: 'text',
      SwitchType: ['Internal', 'Private'],
    },
    sets: {
      NetAdapterName: 'Name! AllowManagementOS NetAdapterName! Notes',
      NetAdapterInterfaceDescription: 'Name! AllowManagementOS NetAdapterInterfaceDescription! Notes',
      SwitchType: 'Name! SwitchType! Notes',
    },
    defaultSet: 'NetAdapterName',
  },
  'Get-VMSwitch': {
    module: 'Hyper-V',
    confirms: false,
    parameters: {
      Id: 'guid',
      Name: 'text',
      SwitchType: ['Private', 'Internal', 'External'],
    },
    sets: {
      Name: 'Name SwitchType',
      Id: 'Id SwitchType',
    },
    defaultSet: 'Name',
  },
  'Set-VMSwitch': {
    module: 'Hyper-V',
    confirms: true,
    parameters: {
      AllowManagementOS: 'boolean',
      DefaultFlowMinimumBandwidthAbsolute: 'number',
      DefaultFlowMinimumBandwidthWeight: 'number',
      DefaultQueueVmmqEnabled: 'boolean',
      DefaultQueueVmmqQueuePairs: 'number',
      DefaultQueueVrssEnabled: 'boolean',
      Extensions: 'objects',
      Name: 'texts',
      NetAdapterInterfaceDescription: 'text',
      NetAdapterName: 'text',
      Notes: 'text',
      Passthru: 'switch',
      SwitchType: ['Private', 'Internal', 'External'],
      VMSwitch: 'objects',
    },
    input: ['VMSwitch'],
    sets: {
      SwitchName_SwitchType:
        'Name! SwitchType AllowManagementOS DefaultFlowMinimumBandwidthAbsolute DefaultFlowMinimumBandwidthWeight DefaultQueueVrssEnabled DefaultQueueVmmqEnabled DefaultQueueVmmqQueuePairs Extensions Notes Passthru',
      SwitchObject_SwitchType:
        'VMSwitch! SwitchType AllowManagementOS DefaultFlowMinimumBandwidthAbsolute DefaultFlowMinimumBandwidthWeight DefaultQueueVrssEnabled DefaultQueueVmmqEnabled DefaultQueueVmmqQueuePairs Extensions Notes Passthru',
      SwitchName_NetAdapterInterfaceDescription:
        'Name! NetAdapterInterfaceDescription! AllowManagementOS DefaultFlowMinimumBandwidthAbsolute DefaultFlowMinimumBandwidthWeight DefaultQueueVrssEnabled DefaultQueueVmmqEnabled DefaultQueueVmmqQueuePairs Extensions Notes Passthru',
      SwitchName_NetAdapterName:
        'Name! NetAdapterName! AllowManagementOS DefaultFlowMinimumBandwidthAbsolute DefaultFlowMinimumBandwidthWeight DefaultQueueVrssEnabled DefaultQueueVmmqEnabled DefaultQueueVmmqQueuePairs Extensions Notes Passthru',
      SwitchObject_NetAdapterInterfaceDescription:
        'VMSwitch! NetAdapterInterfaceDescription! AllowManagementOS DefaultFlowMinimumBandwidthAbsolute DefaultFlowMinimumBandwidthWeight DefaultQueueVrssEnabled DefaultQueueVmmqEnabled DefaultQueueVmmqQueuePairs Extensions Notes Passthru',
      SwitchObject_NetAdapterName:
        'VMSwitch! NetAdapterName! AllowManagementOS DefaultFlowMinimumBandwidthAbsolute DefaultFlowMinimumBandwidthWeight DefaultQueueVrssEnabled DefaultQueueVmmqEnabled DefaultQueueVmmqQueuePairs Extensions Notes Passthru',
    },
    defaultSet: 'SwitchName_SwitchType',
  },
  'Remove-VMSwitch': {
    module: 'Hyper-V',
    confirms: true,
    parameters: {
      Force: 'switch',
      Name: 'texts',
      VMSwitch: 'objects',
    },
    input: ['VMSwitch'],
    sets: {
      Name: 'Name! Force',
      SwitchObject: 'VMSwitch! Force',
    },
    defaultSet: 'Name',
  },
  'Get-VMNetworkAdapter': {
    module: 'Hyper-V',
    confirms: false,
    parameters: {
      All: 'switch',
      IsLegacy: 'boolean',
      ManagementOS: 'switch',
      Name: 'text',
      SwitchName: 'text',
      VM: 'objects',
      VMName: 'texts',
    },
    input: ['VM'],
    sets: {
      VMName: 'IsLegacy VMName! Name',
      VMObject: 'IsLegacy VM! Name',
      ManagementOS: 'Name ManagementOS! SwitchName',
      All: 'Name All!',
    },
    defaultSet: 'VMName',
  },
  'Add-VMNetworkAdapter': {
    module: 'Hyper-V',
    confirms: true,
    parameters: {
      DynamicMacAddress: 'switch',
      IsLegacy: 'boolean',
      ManagementOS: 'switch',
      Name: 'text',
      Passthru: 'switch',
      StaticMacAddress: 'text',
      SwitchName: 'text',
      VM: 'objects',
      VMName: 'texts',
    },
    input: ['VM'],
    sets: {
      VMName: 'VMName! SwitchName IsLegacy Name DynamicMacAddress StaticMacAddress Passthru',
      ManagementOS: 'ManagementOS SwitchName Name DynamicMacAddress StaticMacAddress Passthru',
      VMObject: 'SwitchName IsLegacy Name DynamicMacAddress StaticMacAddress Passthru VM!',
    },
    defaultSet: 'VMName',
  },
  'Set-VMNetworkAdapter': {
    module: 'Hyper-V',
    confirms: true,
    parameters: {
      DhcpGuard: ['On', 'Off'],
      DynamicMacAddress: 'switch',
      MacAddressSpoofing: ['On', 'Off'],
      ManagementOS: 'switch',
      Name: 'text',
      Passthru: 'switch',
      RouterGuard: ['On', 'Off'],
      StaticMacAddress: 'text',
      VM: 'object',
      VMName: 'text',
      VMNetworkAdapter: 'object',
    },
    input: ['VM', 'VMNetworkAdapter'],
    sets: {
      VMName:
        'VMName! Name DynamicMacAddress StaticMacAddress MacAddressSpoofing DhcpGuard RouterGuard Passthru',
      ManagementOS: 'ManagementOS! Name MacAddressSpoofing DhcpGuard RouterGuard Passthru',
      ResourceObject:
        'VMNetworkAdapter! DynamicMacAddress StaticMacAddress MacAddressSpoofing DhcpGuard RouterGuard Passthru',
      VMObject:
        'VM! Name DynamicMacAddress StaticMacAddress MacAddressSpoofing DhcpGuard RouterGuard Passthru',
    },
    defaultSet: 'VMName',
  },
  'Connect-VMNetworkAdapter': {
    module: 'Hyper-V',
    confirms: true,
    parameters: {
      Name: 'texts',
      Passthru: 'switch',
      SwitchName: 'text',
      UseAutomaticConnection: 'switch',
      VMName: 'texts',
      VMNetworkAdapter: 'objects',
      VMSwitch: 'object',
    },
    input: ['VMNetworkAdapter', 'VMSwitch'],
    sets: {
      Name_SwitchName: 'Name SwitchName! Passthru VMName!',
      Object_SwitchName: 'VMNetworkAdapter! SwitchName! Passthru',
      Object_SwitchObject: 'VMNetworkAdapter! VMSwitch! Passthru',
      Object_UseAutomaticConnection: 'VMNetworkAdapter! UseAutomaticConnection! Passthru',
      Name_SwitchObject: 'Name VMSwitch! Passthru VMName!',
      Name_UseAutomaticConnection: 'Name UseAutomaticConnection! Passthru VMName!',
    },
    defaultSet: 'Name_SwitchName',
  },
} as const satisfies CmdletTable;
