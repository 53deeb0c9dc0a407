export { Ports, PORT_CONTROL_PORT, type PortsOptions } from './ports.js';
