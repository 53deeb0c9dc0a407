import { registryText } from '../calls/registry.js';
import { adapters } from './adapters.js';
import { planResolution, type WindowsResolution } from './resolution.plan.js';

const POLICY = 'SOFTWARE\\Policies\\Microsoft\\Windows NT\\DNSClient';
const TCPIP = 'SYSTEM\\CurrentControlSet\\Services\\Tcpip\\Parameters';

/**
 * How this Windows host resolves names now.
 * @param own name of the adapter on our switch
 * @throws WindowsCallError, CodecError
 */
export function windowsResolution(own: string): WindowsResolution {
  const lists = [registryText(POLICY, 'SearchList'), registryText(TCPIP, 'SearchList')];
  return planResolution(adapters(), { lists, domain: registryText(TCPIP, 'Domain') }, own);
}
