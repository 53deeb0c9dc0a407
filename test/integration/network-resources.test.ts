import { networkPart } from '../support/network-host.js';
import { describeResource } from '../support/resource-contract.js';

describeResource('the bridge', () => networkPart('bridge', []));
describeResource("the host's address", () => networkPart('address', ['bridge']));
describeResource('the nftables table', () => networkPart('firewall', []));
describeResource('IPv4 forwarding', () => networkPart('forwarding', []));
describeResource('the tap device', () => networkPart('tap', ['bridge']));
