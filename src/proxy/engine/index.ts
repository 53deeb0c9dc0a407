export { apiRules, type ApiRulesOptions } from './api/rules.js';
export { noShares, type ShareHealth, type ShareProblem } from './api/share-health.js';
export type { HostPath, PathTranslation } from './api/translate.plan.js';
export type { ApiRules } from './api-rules.js';
export type { Dial, EngineAvailability, EngineState } from './availability.js';
export { containerClient, type ContainerClient, type TerminalSize } from './container-client.js';
export { followOutput, type OutputOptions } from './container-output.js';
export type { OutputLine } from './output-line.plan.js';
export type { TcpAddress } from './dial-tcp.js';
export { tlsDial, type TlsCredentials, type TlsDialOptions } from './dial-tls.js';
export {
  startEngineEndpoint,
  type EngineEndpoint,
  type EngineEndpointOptions,
  type UsualAddress,
} from './endpoint.js';
export {
  engineClient,
  type EngineClient,
  type EngineClientOptions,
  type EnginePing,
} from './engine-client.js';
export { KeptConnection } from './kept-connection.js';
export { followContainers, type FollowOptions } from './engine-events.js';
export type { ContainerList, EngineInfo, EngineVersion } from './engine-schemas.js';
export { EngineGateway, type EngineGatewayOptions, type EngineGatewayStats } from './gateway.js';
export * from './tls/index.js';
