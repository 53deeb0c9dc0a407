import { registryKeys, registryNumber, registryText, registryTexts } from '../calls/registry.js';
import { adapters } from './adapters.js';
import { planNameRules, type StoredNameRule } from './name-rules.plan.js';
import { planResolution, type WindowsResolution } from './resolution.plan.js';

const POLICY = 'SOFTWARE\\Policies\\Microsoft\\Windows NT\\DNSClient';
const OWN_RULES = 'SYSTEM\\CurrentControlSet\\Services\\Dnscache\\Parameters\\DnsPolicyConfig';
const TCPIP = 'SYSTEM\\CurrentControlSet\\Services\\Tcpip\\Parameters';

/**
 * How this Windows host resolves names now.
 * @param own name of the adapter on our switch
 * @throws WindowsCallError, CodecError
 */
export function windowsResolution(own: string): WindowsResolution {
  const lists = [registryText(POLICY, 'SearchList'), registryText(TCPIP, 'SearchList')];
  return {
    ...planResolution(adapters(), { lists, domain: registryText(TCPIP, 'Domain') }, own),
    rules: planNameRules(rulesIn(`${POLICY}\\DnsPolicyConfig`), rulesIn(OWN_RULES)),
  };
}

function rulesIn(key: string): readonly StoredNameRule[] {
  return registryKeys(key).map((name) => ({
    names: registryTexts(`${key}\\${name}`, 'Name'),
    servers: registryText(`${key}\\${name}`, 'GenericDNSServers'),
    options: registryNumber(`${key}\\${name}`, 'ConfigOptions'),
  }));
}
