import { z } from 'zod';

/** Text from the engine is shown to users. It is bounded because the guest is not trusted. */
const text = z.string().max(1_000);

/** The part of `GET /version` that mobyvm shows; other members are kept. Engine API 1.24 and later. */
export const engineVersionSchema = z.looseObject({
  Version: text,
  ApiVersion: text,
  MinAPIVersion: text.optional(),
  Os: text.optional(),
  Arch: text.optional(),
  KernelVersion: text.optional(),
});
export type EngineVersion = z.infer<typeof engineVersionSchema>;

/** The part of `GET /info` that mobyvm shows; other members are kept. */
export const engineInfoSchema = z.looseObject({
  ServerVersion: text,
  OperatingSystem: text.optional(),
  KernelVersion: text.optional(),
  Driver: text.optional(),
  NCPU: z.int().nonnegative().optional(),
  /** In bytes. */
  MemTotal: z.int().nonnegative().optional(),
  Containers: z.int().nonnegative().optional(),
  ContainersRunning: z.int().nonnegative().optional(),
  Images: z.int().nonnegative().optional(),
});
export type EngineInfo = z.infer<typeof engineInfoSchema>;

/** The body of every error response. */
export const engineErrorSchema = z.looseObject({ message: text });

/** A path in the VM; 4,095 bytes are Linux's limit. */
const path = z.string().max(4_095);

/** `GET /containers/json`: the ports that running containers publish, what they mount, and their networks. */
export const containerListSchema = z.array(
  z.looseObject({
    Id: text,
    Names: z.array(text).nullish(),
    Image: z.string().max(1_000).optional(),
    State: text.optional(),
    Status: text.optional(),
    Ports: z
      .array(
        z.looseObject({
          /** Absent, like PublicPort, for a port that is only exposed. */
          IP: text.optional(),
          PrivatePort: z.int(),
          PublicPort: z.int().optional(),
          Type: text,
        }),
      )
      .nullish(),
    Mounts: z.array(z.looseObject({ Type: text, Source: path.nullish() })).nullish(),
    HostConfig: z.looseObject({ NetworkMode: text.nullish() }).nullish(),
  }),
);
export type ContainerList = z.infer<typeof containerListSchema>;

const mounts = z.array(z.looseObject({ Type: text, Source: z.string().max(8_192).optional() })).nullish();

/** `GET /containers/json` with a filter: what the containers mount. */
export const stoppedListSchema = z.array(z.looseObject({ Id: text, Mounts: mounts }));
export type StoppedList = z.infer<typeof stoppedListSchema>;

/** The part of `GET /containers/ID/json` that shows whether a container waits for a share. */
export const containerDetailsSchema = z.looseObject({
  Id: text,
  Name: text,
  State: z.looseObject({ Status: text, Error: z.string().optional() }),
  HostConfig: z.looseObject({ RestartPolicy: z.looseObject({ Name: text }).nullish() }),
  Mounts: mounts,
});
export type ContainerDetails = z.infer<typeof containerDetailsSchema>;
